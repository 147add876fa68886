"""``--log_format pretty``: one statement, one short line; colours only on a terminal."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from log_replay.records import Position, Statement, TransformedEvent
from log_replay.statement_log import PrettyFormatter, statement_logging
from tests.support.paths import SAMPLE, TESTS
from tests.support.runs import shell

__all__ = ["shell"]

LINE = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  .{4}…  \w[\w ]{10,}  (".*"|\S+)( \([\w.-]+\))?(  \S+)?')
GOLDEN = [
    pytest.param(statement, id=f"{path.parent.name} {path.stem} {number}")
    for path in sorted((TESTS / "golden").rglob("*.json"))
    if path.parent.name in {"xapi", "caliper"}
    for number, statement in enumerate(json.loads(path.read_text(encoding="utf-8"))["statements"])
]
STATEMENT = {
    "actor": {"account": {"name": "5f2c0000-aaaa", "homePage": "http://lms"}},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"en": "completed"}},
    "object": {"id": "http://lms/x", "definition": {"type": "http://x/video", "name": {"en": "Welcome"}}},
    "timestamp": "2026-03-02T08:15:27.913562+00:00",
    "context": {"contextActivities": {"parent": [{"id": "http://lms/course/course-v1:edX+DemoX+2026"}]}},
}


def pretty(statement: dict, **how) -> str:
    text = json.dumps(statement, ensure_ascii=False).encode("utf-8", "surrogatepass")
    event = TransformedEvent(Position("a.log", 0), "x", (Statement("id", "", text),))
    template = logging.makeLogRecord({})
    (line,) = PrettyFormatter(**how).block(template, [event]).decode().split("\n")[:-1]
    return line


def named(name: str) -> dict:
    definition = {**STATEMENT["object"]["definition"], "name": {"en": name}}
    return {**STATEMENT, "object": {"id": "http://lms/x", "definition": definition}}


def test_a_statement_is_one_line_of_its_parts():
    assert pretty(STATEMENT) == ('2026-03-02 08:15:27  5f2c…  completed    "Welcome" (video)  course-v1:edX+DemoX+2026')


@pytest.mark.parametrize("statement", GOLDEN)
def test_each_kind_of_statement_has_the_same_form(statement):
    assert LINE.fullmatch(pretty(statement)), pretty(statement)


@given(st.text(st.characters(exclude_categories=[]), min_size=1), st.integers(60, 140))
def test_any_name_fits_the_terminal_and_controls_nothing(name, width):
    line = pretty(named(name), width=width)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", line)
    bare = cell_len(pretty(named(""), width=width))
    assert cell_len(line) <= max(width, bare + 12)


def test_wide_characters_are_cut_at_the_right_column():
    line = pretty(named("语言学入门" * 20), width=100)
    assert 98 <= cell_len(line) <= 100
    assert line.endswith('…" (video)  course-v1:edX+DemoX+2026')


@pytest.mark.parametrize(
    "text", ["no JSON \x1b[31m", "[]", "{}", '{"sensor": "x", "data": []}', '{"actor": 5}', "null"]
)
def test_a_message_that_is_no_statement_is_shown_as_it_is(text):
    record = logging.makeLogRecord({"msg": text})
    assert PrettyFormatter().format(record) == text.replace("\x1b", "\\x1b")


def test_pretty_can_be_used_in_settings():
    assert statement_logging("stdout", "pretty")["formatters"]["statements"] == {
        "()": "log_replay.statement_log.PrettyFormatter"
    }


def on_terminal(shell, *arguments: str, **variables: str) -> str:
    """Return what a command writes to a terminal."""
    parent, child = os.openpty()
    environment = {**shell.environment, "COLUMNS": "100", **variables}
    with subprocess.Popen(
        [*shell.command, *arguments], stdin=subprocess.DEVNULL, stdout=child, stderr=subprocess.PIPE, env=environment
    ) as process:
        os.close(child)
        written = b""
        while True:
            try:
                chunk = os.read(parent, 4096)
            except OSError:  # the process has closed the terminal
                break
            if not chunk:
                break
            written += chunk
        process.stderr.read()
    os.close(parent)
    return written.decode()


LOG = str(SAMPLE / "tracking.log")


def test_short_verbs_are_pretty_on_a_terminal_only(shell):
    shown = on_terminal(shell, "replay", LOG, "--limit", "3")
    lines = shown.splitlines()
    assert len(lines) == 3
    assert all("\x1b[" in line and "…" in line for line in lines)
    assert "\x1b" not in on_terminal(shell, "replay", LOG, "--limit", "3", NO_COLOR="1")
    piped = shell("replay", LOG, "--limit", "3").stdout
    assert b"[xapi_tracking]" in piped.splitlines()[0]
    asked = shell("replay", LOG, "--limit", "3", "--log_format", "pretty").stdout
    assert b"\x1b" not in asked
    assert len(asked.splitlines()) == 3
