"""``python tutor_process.py SOCKET``: import Tutor once, and fork for each command.

Most of the time of a command goes into imports. SOCKET is the number of a file descriptor. Each message on it is a JSON
object with ``arguments`` and ``environment``, together with three file descriptors for the command's standard streams.
The answer is the exit code.

This runs with the Python of Tutor's environment, and imports nothing of the tests. No plugin is imported before the
fork: Tutor imports those of the project.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import sys

import tutor.commands.cli

with contextlib.suppress(ImportError):
    # Two libraries of the Aspects plugin. It hashes passwords when it is imported, with the default number of rounds.
    import bcrypt
    import sqlfmt.api  # noqa: F401

    bcrypt.gensalt = functools.partial(bcrypt.gensalt, 4)

_LENGTH_BYTES = 8


def serve(connection: socket.socket) -> None:
    """Run commands until the other end closes the connection."""
    while True:
        head, descriptors, _, _ = socket.recv_fds(connection, _LENGTH_BYTES, 3)
        if not head:
            return
        request = json.loads(connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
        process = os.fork()
        if not process:
            connection.close()
            _run(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(process, 0)
        connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(_LENGTH_BYTES, "big", signed=True))


def _run(request: dict, descriptors: list[int]) -> None:
    """Run a command in this process, and end the process."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["tutor", *request["arguments"]]
    tutor.commands.cli.main()
    sys.exit()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
