"""The site that a command runs on: Tutor's project, its configuration, and how jobs run there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click
from tutor import config as tutor_config

from tutorlogreplay import site_defaults
from tutorlogreplay.compose_jobs import ComposeJobs
from tutorlogreplay.kubernetes_jobs import KubernetesJobs
from tutorlogreplay.request import OWN
from tutorlogreplay.settings import Settings

if TYPE_CHECKING:
    from tutorlogreplay.request import Request

_DATABASE_SETTINGS = (
    "MYSQL_HOST",
    "MYSQL_PORT",
    "OPENEDX_MYSQL_DATABASE",
    "LOG_REPLAY_MYSQL_USERNAME",
    "LOG_REPLAY_MYSQL_PASSWORD",
    "LOG_REPLAY_MYSQL_DATABASE",
)


class Jobs(Protocol):
    """How jobs run: with docker compose, or on Kubernetes."""

    def run(self, request: Request, parallelism: int = 1) -> int:
        """Run a request and return its exit code."""

    def prepare_database(self) -> int:
        """Create the database user and the ledger's database."""


class Site:
    """A Tutor project.

    Attributes:
        settings: its configuration.
        mode: ``local``, ``dev`` or ``k8s``.
    """

    def __init__(self, root: str, settings: Settings, mode: str, jobs: Jobs) -> None:
        self.settings = settings
        self.mode = mode
        self._root = Path(root)
        self._jobs = jobs

    @classmethod
    def current(cls) -> Site:
        """Return the site of the running command."""
        context = click.get_current_context().obj
        config = tutor_config.load(context.root)
        settings = Settings(config)
        mode = getattr(context, "NAME", "k8s")
        jobs: Jobs
        if mode == "k8s":
            jobs = KubernetesJobs(context.root, settings.text("K8S_NAMESPACE"))
        else:
            jobs = ComposeJobs(context.root, context.job_runner(config))
        return cls(context.root, settings, mode, jobs)

    @property
    def in_lms(self) -> bool:
        """True if replays run in the LMS's image."""
        return self.settings.flag("LOG_REPLAY_IN_LMS")

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a job."""
        return site_defaults.environment(self.settings, self.mode)

    def run(self, request: Request, parallelism: int = 1) -> int:
        """Run a request and return its exit code. Before the first one, prepare the database."""
        if request.service == OWN and not self._is_database_prepared():
            click.echo("preparing the database, once", err=True)
            code = self._jobs.prepare_database()
            if code:
                click.echo("the database could not be prepared, see above", err=True)
                return 1
            self._database_mark.write_text(self._database_digest(), encoding="ascii")
        return self._jobs.run(request, parallelism)

    def table_config(self) -> str:
        """Return the configuration of Aspects' table of statements."""
        return json.dumps(site_defaults.statement_table(self.settings))

    def destination_name(self) -> str:
        """Return the name of the default destination for people."""
        destination = site_defaults.destination(self.settings)
        provider = destination["destination_provider"] if destination else site_defaults.LRS
        if self.settings.text("LOG_REPLAY_DESTINATION_PROVIDER") or not destination:
            return provider
        config = json.loads(destination["destination_config"])
        table = f", table {config['database']}.{config['table']}" if "table" in config else ""
        return f"{provider} at {config['url']}{table}"

    @property
    def _database_mark(self) -> Path:
        """The file that says with which settings the database was prepared."""
        return self._root / "data" / "log-replay" / f"database-{'k8s' if self.mode == 'k8s' else 'compose'}"

    def _is_database_prepared(self) -> bool:
        self._database_mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = self._database_mark
        return mark.is_file() and mark.read_text(encoding="ascii") == self._database_digest()

    def _database_digest(self) -> str:
        values = [self.settings.text(name) for name in _DATABASE_SETTINGS]
        values.append(str(site_defaults.adds_external_ids(self.settings)))
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()
