"""Processes that join a run. ``Processes`` starts this program and sends it commands.

The program imports everything once and then forks, so that a process starts quickly. Commands are JSON lines on stdin:
``{"start": ARGUMENTS, "log": PATH, "out": PATH}`` is answered with the number of the new process, and
``{"poll": true}`` with the exit codes of all processes that have ended since the last poll, by their numbers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

MODULES = (
    "log_replay.management.commands.replay_runs",
    "log_replay.management.commands.replay_tracking_logs",
    "log_replay.pipeline.joined_run",
    "log_replay.pipeline.run",
    "log_replay.sinks.lrs.sink",
    "log_replay.sinks.clickhouse.sink",
    "log_replay.sinks.files.sink",
    "log_replay.sources.cloud",
    "libcloud.storage.drivers.minio",
    "log_replay.report.terminal",
    "log_replay.report.summary_file",
    "event_routing_backends.processors.xapi.transformer",
)


class Processes:
    """Starts processes of one run, and knows which of them have ended.

    Args:
        environment: the environment of all processes.
        log: the file for their output.
    """

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.support.joined_processes"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        self.alive: set[int] = set()

    @property
    def log(self) -> str:
        """The last output of all processes."""
        return self._log.read_text()[-5000:]

    @property
    def errors(self) -> str:
        """The last errors that ended processes."""
        lines = self._log.read_text().splitlines()
        return "\n".join([line for line in lines if line.startswith("exit ")][-20:])

    def start(self, *arguments: str, out: Path | None = None) -> int:
        """Start a management command, and write its output to a file."""
        pid = self._ask(start=arguments, log=str(self._log), out=str(out or os.devnull))
        self.alive.add(pid)
        return pid

    def ended(self) -> dict[int, int]:
        """Return the exit codes of the processes that have ended since the last call."""
        codes = {int(pid): code for pid, code in self._ask(poll=True).items()}
        self.alive -= codes.keys()
        return codes

    def close(self) -> None:
        for pid in self.alive:
            os.kill(pid, 9)
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait(30)

    def _ask(self, **command: Any) -> Any:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(command) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        assert answer, self.log
        return json.loads(answer)


def _start(command: dict[str, Any]) -> int:
    from django.core.management import CommandError, call_command

    child = os.fork()
    if child:
        return child
    with Path(command["log"]).open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 2)
    with Path(command["out"]).open("ab", buffering=0) as out:
        os.dup2(out.fileno(), 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 99
    try:
        call_command(*command["start"])
        code = 0
    except CommandError as error:
        sys.stderr.write(f"\nexit {error.returncode}: {error}\n")
        code = error.returncode
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _ended() -> dict[int, int]:
    codes = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return codes
        if not pid:
            return codes
        codes[pid] = os.waitstatus_to_exitcode(status)


def main() -> None:
    import django

    django.setup()
    for module in MODULES:
        import_module(module)
    for line in sys.stdin:
        command = json.loads(line)
        answer = _start(command) if "start" in command else _ended()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
