"""Run ``log-replay`` command lines, each in a forked process that an imported Django makes quick.

``python -m tests.support.command_server`` reads one JSON request per line: the arguments, the working directory, the
files for stdin, stdout and stderr, resource limits, and the longest time. It answers with the exit code.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
import weakref
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import django

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

#: The modules that most commands use: a forked process need not import them again.
IMPORTED = (
    "log_replay.management.commands.replay_tracking_logs",
    "log_replay.identities.lms_tables",
    "log_replay.inspect.profile",
    "log_replay.pipeline.run",
    "log_replay.pipeline.transform",
    "log_replay.report.terminal",
    "log_replay.sinks.files.opening",
    "log_replay.sinks.lrs.sink",
    "log_replay.sources.local",
    "log_replay.standalone.embedded",
    "log_replay.statements.native.xapi.events",
    "log_replay.storage.drivers",
    "event_routing_backends.processors.caliper.event_transformers",
    "event_routing_backends.processors.xapi.event_transformers",
)


class CommandServer:
    """A process that imports everything once in an environment, and runs command lines."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = dict(environment)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.command_server"],
            cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.close = weakref.finalize(self, _end, self._process)

    def run(
        self,
        arguments: list[str],
        folder: Path,
        streams: dict[str, str | None],
        *,
        limits: dict[str, int] | None = None,
        longest_seconds: float,
    ) -> int:
        """Run a command line in a folder, and return its exit code.

        Args:
            arguments: what follows ``log-replay``.
            folder: the working directory.
            streams: the paths for stdin, stdout and stderr; None for a closed one.
            limits: names and values for ``setrlimit``.
            longest_seconds: a command that takes longer is killed.
        """
        request = {"arguments": arguments, "folder": str(folder), "limits": limits or {}, **streams}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({**request, "longest_seconds": longest_seconds}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    process.stdout.close()
    process.wait(60)


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


def _exit_code(child: int, longest_seconds: float) -> int:
    """Wait for a process, kill it if it takes too long, and return its exit code."""
    deadline = time.monotonic() + longest_seconds
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
        answers.write(f"{_exit_code(child, request['longest_seconds'])}\n")
        answers.flush()


if __name__ == "__main__":
    main()
