"""The shipped sample: what it holds, and that it is what the tests' own sources make."""

import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.support.known_events import FORMS_OF
from tests.support.paths import SAMPLE, TESTS
from tests.support.sample_identities import sample_identities
from tests.support.sample_log import sample_lines

LOG = SAMPLE / "tracking.log"


def run(*command):
    return subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=120).stdout


@pytest.fixture(scope="module")
def verdicts():
    """What upstream itself makes of the sample, by kind, each in a process of its own."""

    def judged(kind):
        out = run(TESTS / "support" / "upstream_reference.py", kind, LOG)
        return [json.loads(line) for line in out.splitlines()]

    return {kind: judged(kind) for kind in ("xapi", "caliper")}


@pytest.fixture(scope="module")
def events():
    """The events of those lines that a JSON object can be found in."""
    found = []
    for line in LOG.read_bytes().split(b"\n"):
        try:
            event = json.loads(line[line.index(b"{") :])
        except ValueError:
            continue
        found.append(event)
    return found


def test_the_generator_prints_just_the_committed_log():
    assert run(TESTS / "generate_log.py", "--sample") == LOG.read_bytes() == b"".join(sample_lines())


def test_the_generator_prints_just_the_committed_directory():
    committed = (SAMPLE / "identities.json").read_bytes()
    assert run(TESTS / "generate_log.py", "--sample-identities") == committed
    assert json.loads(committed) == sample_identities()


def test_it_has_a_few_hundred_lines():
    assert 250 <= LOG.read_bytes().count(b"\n") <= 450


@pytest.mark.parametrize("kind", ["xapi", "caliper"])
def test_every_known_event_gives_a_statement(verdicts, kind):
    with_statements = {verdict["name"] for verdict in verdicts[kind] if verdict["statements"]}
    assert with_statements == {verdict["name"] for verdict in verdicts[kind]}
    assert with_statements <= set(FORMS_OF)
    assert len(with_statements) == {"xapi": 65, "caliper": 35}[kind]


def test_no_two_statements_have_the_same_id(verdicts):
    ids = Counter(statement["id"] for verdict in verdicts["xapi"] for statement in verdict["statements"])
    assert max(ids.values()) == 1


def test_some_known_events_are_rejected_for_several_reasons(verdicts):
    reasons = {verdict["raises"] for verdict in verdicts["xapi"] if not verdict["statements"]}
    assert reasons >= {"ValueError", "InvalidKeyError", "IndexError", "AttributeError"}


def test_a_retired_learner_is_found_by_the_old_username(verdicts):
    lines = LOG.read_bytes().split(b"\n")
    by_name_only = [
        verdict
        for verdict in verdicts["xapi"]
        if b'"username": "farah"' in lines[verdict["line"] - 1] and b'"user_id": null' in lines[verdict["line"] - 1]
    ]
    assert len(by_name_only) == 2
    assert all(verdict["statements"] for verdict in by_name_only)


def test_lines_stand_bare_and_behind_the_prefix_of_the_lms():
    prefix = re.compile(
        rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO 17 \[tracking\] \[user \w+\] \[ip [\d.]+\] logger\.py:41 - \{"
    )
    lines = LOG.read_bytes().split(b"\n")
    assert sum(line.startswith(b'{"name": ') for line in lines) > 100
    assert sum(bool(prefix.match(line)) for line in lines) > 100


@pytest.mark.parametrize(
    "pattern",
    [
        rb"(?m)^$",
        rb"(?m)^[ \t]+$",
        rb"\}\r\n",
        rb"(?m)^\r$",
        rb'"event_type": "/courses/',
        rb'"event": "\{\\"GET\\"',
        rb'"username": "", ',
        rb"ccx-v1:",
        rb"OrchardU/HIST10/2013_Fall",
        rb"i4x://",
        rb"moodle-course-42",
        rb"GONE999",
        rb'"event": ""',
        rb'"event": "input_[0-9a-f]+_2_1%5B%5D=choice_0',
        rb"\\u0645",
        "لماذا".encode(),
        "🌌".encode(),
        rb"\[xapi_tracking\]",
        rb"\[pid: 17\|app: 0",
        rb'T\d\d:\d\d:\d\dZ"',
    ],
)
def test_it_holds_what_real_logs_hold(pattern):
    assert re.search(pattern, LOG.read_bytes())


def test_some_lines_are_cut_off_even_within_a_character():
    with pytest.raises(UnicodeDecodeError):
        LOG.read_bytes().decode()


def test_an_instructor_enrols_others(events):
    acting = [
        event
        for event in events
        if event.get("name") == "edx.course.enrollment.activated" and event["context"]["user_id"] == 9
    ]
    assert any(event["event"]["user_id"] != 9 for event in acting)


def test_it_spans_a_week_of_march_2026(events):
    days = {event["time"][:10] for event in events if isinstance(event.get("time"), str)}
    assert days == {f"2026-03-{day:02}" for day in range(2, 9)}


def test_nobody_in_it_is_real():
    text = (SAMPLE / "identities.json").read_text(encoding="utf-8")
    assert all(user["email"].endswith(("@example.com", "@retired.invalid")) for user in json.loads(text)["users"])
    hosts = set(re.findall(rb"https?://([^/\"\\]+)", LOG.read_bytes()))
    assert hosts == {b"lms.example.com"}


def test_the_golden_statements_are_what_upstream_makes():
    run(TESTS / "golden" / "regenerate.py", "--check")
