"""Run ``log-replay`` command lines, each in a forked process that an imported Django makes quick.

``python -m tests.support.command_server`` reads one JSON request per line: the arguments, the working directory, the
files for stdin, stdout and stderr, and resource limits. It answers with the exit code.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any

import django

#: The modules that most commands use: a forked process need not import them again.
IMPORTED = (
    "log_replay.management.commands.replay_tracking_logs",
    "log_replay.pipeline.run",
    "log_replay.report.terminal",
    "log_replay.sinks.files.opening",
    "log_replay.sinks.lrs.sink",
    "log_replay.sources.local",
    "log_replay.statements.native.xapi.events",
    "log_replay.storage.drivers",
    "event_routing_backends.processors.xapi.transformer",
)
#: A command that takes longer than this waits for something that never comes.
LONGEST_SECONDS = 60


def _redirect(descriptor: int, path: str | None, flags: int) -> None:
    if path is None:
        os.close(descriptor)
        return
    opened = os.open(path, flags, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)


def _run(request: dict[str, Any]) -> int:
    """Run one command line as the console script does, and return its exit code."""
    os.chdir(request["folder"])
    _redirect(0, request["stdin"], os.O_RDONLY)
    _redirect(1, request["stdout"], os.O_WRONLY | os.O_CREAT)
    _redirect(2, request["stderr"], os.O_WRONLY | os.O_CREAT)
    sys.stdin = os.fdopen(0, "r", closefd=False) if request["stdin"] else None  # type: ignore[assignment]
    sys.stdout = os.fdopen(1, "w", closefd=False) if request["stdout"] else None  # type: ignore[assignment]
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False) if request["stderr"] else None  # type: ignore[assignment]
    for name, value in request["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    sys.argv = ["log-replay", *request["arguments"]]
    from log_replay.management.main import main

    try:
        main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    return 0


def _exit_code(child: int) -> int:
    """Wait for a process, kill it if it takes too long, and return its exit code."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)


def main() -> None:
    """Answer requests until standard input ends."""
    # The requests redirect this process's own descriptors in its children: the answers keep one of their own.
    answers = os.fdopen(os.dup(1), "w")
    django.setup()
    for module in IMPORTED:
        import_module(module)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            code = 99
            try:
                code = _run(request)
            except BaseException:  # noqa: BLE001 - the test reads the traceback
                traceback.print_exc()
            finally:
                for stream in (sys.stdout, sys.stderr):
                    with suppress(Exception):
                        stream.flush()
                os._exit(code)
        answers.write(f"{_exit_code(child)}\n")
        answers.flush()


if __name__ == "__main__":
    main()
