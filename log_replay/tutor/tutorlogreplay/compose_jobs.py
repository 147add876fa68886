"""Run requests with ``tutor local`` and ``tutor dev``: with docker compose, in a job service."""

from __future__ import annotations

import re
import secrets
import shutil
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tutor.exceptions import TutorError

from tutorlogreplay.request import DATABASE, STATE, command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tutorlogreplay.request import Request

#: Requests of commands that were killed before they could remove them.
_STALE_SECONDS = 7 * 86_400
DATABASE_COMMAND = "exec sh /log-replay-database/create.sh"


class ComposeJobs:
    """Runs requests in job services of docker compose.

    The folder ``data/log-replay`` is for its owner only. Within it, ``job`` is mounted into the containers, whose users
    are others than the host's: it is open to all of them.
    """

    def __init__(self, root: str, runner: Any) -> None:
        self._runner = runner
        self._private = Path(root) / "data" / "log-replay"
        self._job = self._private / "job"

    def run(self, request: Request, parallelism: int = 1) -> int:  # noqa: ARG002 - one container
        """Run a request and return its exit code."""
        self._create_folders()
        token = secrets.token_hex(8)
        folder = self._job / "requests" / token
        folder.mkdir(parents=True)
        try:
            for name, content in request.files().items():
                (folder / name).write_text(content, encoding="ascii")
            return self._run(request.service, command(f"{STATE}/requests/{token}"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def prepare_database(self) -> int:
        """Create the database user and the ledger's database."""
        return self._run(DATABASE, DATABASE_COMMAND)

    def _run(self, service: str, shell_command: str) -> int:
        with _interrupts_left_to_the_job():
            try:
                self._runner.run_task(service, shell_command)
            except TutorError as error:
                return _exit_code(error)
        return 0

    def _create_folders(self) -> None:
        try:
            self._private.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self._job, self._job / "home", self._job / "files", self._job / "requests"):
                if not folder.is_dir():
                    folder.mkdir()
                    folder.chmod(0o777)
            now = time.time()
            for folder in (self._job / "requests").iterdir():
                if now - folder.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
        except OSError as error:
            raise click.ClickException(f"cannot write to {self._private}: {error.strerror}") from error


@contextmanager
def _interrupts_left_to_the_job() -> Iterator[None]:
    """Let Ctrl-C end the job in its own way. Tutor would kill docker compose at once, and leave the container."""
    before = signal.signal(signal.SIGINT, lambda *_: click.echo("stopping after the current batch", err=True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _exit_code(error: TutorError) -> int:
    """Return the exit code of a job; Tutor has it in its message only."""
    found = re.match(r"Command failed with status (\d+)", str(error))
    if not found:
        raise error
    return int(found.group(1))
