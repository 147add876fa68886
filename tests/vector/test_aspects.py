"""Aspects' own Vector config accepts lines of the ``aspects`` format."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.vector.emitted import TEXTS, as_logged, encoded, lines, xapi
from tests.support.vector.engines import CACHE, ProgramFailed

ASPECTS = "tutor-contrib-aspects==6.1.0"
TEMPLATE = "tutoraspects/templates/aspects/apps/vector/partials/common-post.toml"
REGEX = re.compile(r"^.* \[xapi_tracking\] [^{}]* (?P<tracking_message>\{.*\})$")
some = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="session")
def program():
    """Aspects' own VRL program for xAPI, from its published package."""
    folder = CACHE / "aspects"
    if not list(folder.glob("*.whl")):
        pip = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else ["uvx", "pip"]
        command = [*pip, "download", "--quiet", "--no-deps", "--dest", str(folder), ASPECTS]
        downloaded = subprocess.run(command, capture_output=True, text=True, check=False)
        if downloaded.returncode:
            pytest.skip(f"cannot download {ASPECTS} (is there a network, and pip?): {downloaded.stderr[-200:]}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        template = archive.read(TEMPLATE).decode()
    return re.search(r"\[transforms\.xapi\].*?source = '''\n(.*?)'''", template, re.DOTALL)[1]


@some
@given(text=TEXTS)
def test_regex_matches_aspects_lines(text):
    made = encoded(xapi(text))

    (line,) = lines([made], "aspects")

    # A dot in Vector's regexes matches anything but a line feed, as in Python.
    assert REGEX.fullmatch(line.decode())["tracking_message"] == as_logged(made).decode()


@some
@given(text=TEXTS)
def test_program_accepts_aspects_lines(program, engine, text):
    made = xapi(text)

    (row,) = engine.run(program, [{"message": line.decode()} for line in lines([encoded(made)], "aspects")])

    assert row["event_id"] == made["id"]
    assert row["emission_time"] == made["timestamp"]
    assert json.loads(row["event"]) == made


def test_program_drops_other_formats(program, engine):
    for log_format in ("json", "raw"):
        with pytest.raises(ProgramFailed, match="abort"):
            engine.run(program, [{"message": line.decode()} for line in lines([encoded(xapi())], log_format)])
