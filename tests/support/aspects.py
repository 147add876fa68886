"""A site with Aspects' plugin in its own virtual environment, and the dump commands inside and outside it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT, TESTS
from tests.support.servers import installed

if TYPE_CHECKING:
    from tests.support.clickhouse_servers import ClickHouse

SITE = TESTS / "dump" / "aspects_site"
PLUGIN = ["platform-plugin-aspects==2.1.0", "openedx-core>=1.15,<2", "django-countries", "Django>=5.2,<5.3"]
DELETED, DAMAGED = "course-v1:DemoX+deleted+2026", "course-v1:DemoX+damaged+2026"


@dataclass
class Finished:
    """A finished process; ``codes`` has the exit code of each object's dump."""

    process: subprocess.CompletedProcess[str]
    codes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.process.stdout.splitlines():
            self.codes |= json.loads(line)


@dataclass
class AspectsSite:
    """The database of an LMS, and the commands that dump it."""

    python: Path
    database: Path
    clickhouse: ClickHouse

    def inside(self, command_owner: str, database: str, *arguments: str, **environment: str) -> Finished:
        """Dump inside the LMS, with our command (``ours``) or the plugin's (``plugin``)."""
        return self._dump(
            self.python, {"DJANGO_SETTINGS_MODULE": "site_settings", **environment}, command_owner, database, arguments
        )

    def outside(self, database: str, *arguments: str) -> Finished:
        """Dump outside the LMS, with our command."""
        environment = {
            "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings",
            "LOG_REPLAY_DATABASE_URL": f"sqlite:///{self.database}",
            "LOG_REPLAY_HOME": str(self.database.parent / "home"),
        }
        return self._dump(Path(sys.executable), environment, "ours", database, arguments)

    def run(self, script: str, **environment: str) -> str:
        """Run one of the site's scripts inside the LMS."""
        settings = {"DJANGO_SETTINGS_MODULE": "site_settings", **environment}
        return self._run([self.python, SITE / script], settings, check=True).stdout

    def _dump(self, python, environment, command_owner, database, arguments) -> Finished:
        return Finished(
            self._run([python, SITE / "dump_all.py", command_owner, database, *arguments], environment, check=False)
        )

    def _run(self, command, environment, *, check) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{SITE}{os.pathsep}{ROOT}",
            "SITE_DATABASE": str(self.database),
            "CLICKHOUSE_URL": self.clickhouse.url,
            "CLICKHOUSE_PASSWORD": self.clickhouse.password,
            **environment,
        }
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=check)


def installed_plugin() -> Path:
    """Return a Python with the plugin and our own requirements, or skip the test."""
    interpreter = _python_312()
    if interpreter is None:
        pytest.skip("platform-plugin-aspects needs Python 3.12 or later: install a python3.12 on PATH")
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = sorted({*PLUGIN, *ours["dependencies"], *ours["optional-dependencies"]["clickhouse"]})

    def install(folder: Path, _requirement: str) -> None:
        subprocess.run([interpreter, "-m", "venv", folder], check=True, capture_output=True, text=True)
        run = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements]
        subprocess.run(run, check=True, capture_output=True, text=True)

    digest = hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:8]
    return installed("aspects-plugin", f"{PLUGIN[0]} ({digest})", install) / "bin" / "python"


def _python_312() -> str | None:
    if sys.version_info >= (3, 12):
        return sys.executable
    on_path = [shutil.which(f"python3.{minor}") for minor in (12, 13)]
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    found = [str(path) for path in [*pyenv.glob("3.1[23].*/bin/python"), *on_path] if path]
    # A program on PATH may be a shim of pyenv for a version that is not active.
    return next(
        (path for path in found if subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0),
        None,
    )
