"""A stand-in for an LMS: edx-platform's models, its LOGGING setting, and the users and courses of the sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT, SAMPLE, TESTS

STAND_IN = TESTS / "identities" / "stand_in"


class Lms:
    def __init__(self, folder: Path) -> None:
        self.database = folder / "lms.sqlite3"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "lms_settings",
            "PYTHONPATH": f"{STAND_IN}{os.pathsep}{ROOT}",
            "LMS_DATABASE": str(self.database),
        }
        subprocess.run(
            [sys.executable, STAND_IN / "fill.py", SAMPLE / "identities.json"], env=self.environment, check=True
        )

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def logged(self) -> list[dict]:
        log = Path(f"{self.database}.log")
        statements = [json.loads(line) for line in log.read_text().splitlines()]
        log.write_text("")
        return statements
