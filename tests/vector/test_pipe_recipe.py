"""The pipe in ``vector/README.md`` ends with an exit code that says whether the table is complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT, SAMPLE
from tests.support.vector.running_vector import BINARY, STAND_IN, Vector
from tests.support.vector.shipped import README_BLOCKS

LOG_REPLAY = (sys.executable, "-c", "from log_replay.management.main import main; main()")
SOURCE = {"key": str(SAMPLE.parent), "container": SAMPLE.name, "prefix": "tracking.log"}
(RECIPE,) = (block for block in README_BLOCKS if "sinks/clickhouse.yaml" in block and "pipefail" in block)


@pytest.fixture
def run_recipe(tmp_path, clickhouse):
    """Return a function that runs the recipe on the sample with a real Vector, or with its stand-in."""
    clickhouse.inject()
    clickhouse.query("TRUNCATE TABLE openedx.xapi_events_all")
    vector = Vector((BINARY,) if BINARY else STAND_IN, tmp_path)
    vector.secret("clickhouse_password", clickhouse.password)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, command in (("log-replay", LOG_REPLAY), ("vector", vector.program)):
        words = " ".join(f"'{word}'" for word in command)
        (programs / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (programs / name).chmod(0o755)
    salts = json.loads((SAMPLE / "identities.json").read_text())["retired_user_salts"]
    inherited = {
        name: value for name, value in vector.environment.items() if name not in ("DJANGO_SETTINGS_MODULE", "HOME")
    }
    environment = inherited | {
        "HOME": str(tmp_path),
        "LOG_REPLAY_HOME": str(tmp_path / "home"),
        "LOG_REPLAY_RETIRED_USER_SALTS": ",".join(salts),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    subprocess.run([*LOG_REPLAY, "load_identities", "sample"], env=environment, check=True, capture_output=True)
    script = RECIPE.replace('{"key": "/openedx/data", "container": "logs"}', json.dumps(SOURCE))
    script = script.replace("http://clickhouse:8123", clickhouse.url)

    def run(**settings):
        return subprocess.run(
            ["bash", "-c", script], env=environment | settings, cwd=ROOT, capture_output=True, text=True, check=False
        )

    return run


def test_recipe_succeeds_if_the_table_has_every_statement(run_recipe, clickhouse):
    ended = run_recipe()

    assert ended.returncode == 0, ended.stderr
    assert int(clickhouse.query("SELECT count() FROM openedx.xapi_events_all FINAL")[0][0]) > 100


def test_recipe_fails_if_clickhouse_refused_the_statements(run_recipe):
    ended = run_recipe(CLICKHOUSE_TABLE="not_created")

    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr


def test_recipe_reads_nothing_if_the_password_is_wrong(run_recipe, tmp_path):
    (tmp_path / "secrets" / "clickhouse_password").write_text("wrong")

    ended = run_recipe()

    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
