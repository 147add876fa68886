"""Requests: what a job is to run, with its secrets, as files in the job's container.

A request is a folder with ``request.json`` and ``start.py``. The command of the container only names ``start.py``, so
that arguments pass through no template and no shell, and no secret is visible in the output of ``docker inspect``, in
the specification of a Kubernetes Job, or in a list of processes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The job services, without the suffix "-job".
OWN, LMS, CMS, DATABASE = "log-replay", "log-replay-lms", "log-replay-cms", "log-replay-database"
#: Where a container finds the state and the request.
STATE = "/log-replay"
MODULE, MANAGE, SCRIPT = "log_replay.management.main", "manage.py", "optimize.py"


@dataclass(frozen=True)
class Request:
    """One command for a job.

    Args:
        service: the job service that runs it.
        program: ``MODULE`` for Log Replay's own command line, ``MANAGE`` for Open edX's, or a script of this package.
        arguments: ``sys.argv`` of the program, from its name on.
        environment: environment variables, secrets included.
        summary: the file of ``--summary``, whose counters go into the termination message of a pod.
    """

    service: str
    program: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    summary: str | None = None

    def files(self) -> dict[str, str]:
        """Return the contents of the request's files by name. All are ASCII, whatever the arguments contain."""
        content = {
            "program": self.program,
            "arguments": list(self.arguments),
            "environment": dict(self.environment),
            "state": STATE,
            "summary": self.summary,
        }
        files = {"request.json": json.dumps(content), "start.py": _source("start.py")}
        if self.program == SCRIPT:
            files[SCRIPT] = _source(SCRIPT)
        return files


def command(folder: str) -> str:
    """Return the shell command that runs the request in a folder. ``exec``: signals reach the program."""
    return f"exec python3 {folder}/start.py"


def _source(name: str) -> str:
    return (Path(__file__).parent / "in_container" / name).read_text(encoding="ascii")
