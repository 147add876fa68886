"""The sample log and identities in the package: contents, and the generator that writes them."""

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
def results():
    """Upstream's result for each line of the sample, by transformer type. Each type runs in its own process."""

    def results_of(kind):
        out = run(TESTS / "support" / "upstream_reference.py", kind, LOG)
        return [json.loads(line) for line in out.splitlines()]

    return {kind: results_of(kind) for kind in ("xapi", "caliper")}


@pytest.fixture(scope="module")
def events():
    """The events of all lines with a JSON object."""
    found = []
    for line in LOG.read_bytes().split(b"\n"):
        try:
            event = json.loads(line[line.index(b"{") :])
        except ValueError:
            continue
        found.append(event)
    return found


def test_the_generator_writes_the_committed_log():
    assert run(TESTS / "generate_log.py", "--sample") == LOG.read_bytes() == b"".join(sample_lines())


def test_the_generator_writes_the_committed_identities():
    committed = (SAMPLE / "identities.json").read_bytes()
    assert run(TESTS / "generate_log.py", "--sample-identities") == committed
    assert json.loads(committed) == sample_identities()


def test_the_sample_has_250_to_450_lines():
    assert 250 <= LOG.read_bytes().count(b"\n") <= 450


@pytest.mark.parametrize("kind", ["xapi", "caliper"])
def test_every_known_event_name_gives_a_statement(results, kind):
    with_statements = {result["name"] for result in results[kind] if result["statements"]}
    assert with_statements == {result["name"] for result in results[kind]}
    assert with_statements <= set(FORMS_OF)
    assert len(with_statements) == {"xapi": 65, "caliper": 35}[kind]


def test_statement_ids_are_unique(results):
    ids = Counter(statement["id"] for result in results["xapi"] for statement in result["statements"])
    assert max(ids.values()) == 1


def test_known_events_are_rejected_with_several_exceptions(results):
    reasons = {result["raises"] for result in results["xapi"] if not result["statements"]}
    assert reasons >= {"ValueError", "InvalidKeyError", "IndexError", "AttributeError"}


def test_a_retired_user_has_events_under_the_old_username(results):
    lines = LOG.read_bytes().split(b"\n")
    by_name_only = [
        result
        for result in results["xapi"]
        if b'"username": "farah"' in lines[result["line"] - 1] and b'"user_id": null' in lines[result["line"] - 1]
    ]
    assert len(by_name_only) == 2
    assert all(result["statements"] for result in by_name_only)


def test_lines_come_with_and_without_the_prefix_of_the_lms():
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
def test_the_sample_has_all_kinds_of_lines_of_real_logs(pattern):
    assert re.search(pattern, LOG.read_bytes())


def test_some_lines_are_cut_within_a_character():
    with pytest.raises(UnicodeDecodeError):
        LOG.read_bytes().decode()


def test_an_instructor_enrols_other_users(events):
    enrolments = [
        event
        for event in events
        if event.get("name") == "edx.course.enrollment.activated" and event["context"]["user_id"] == 9
    ]
    assert any(event["event"]["user_id"] != 9 for event in enrolments)


def test_the_sample_spans_a_week_of_march_2026(events):
    days = {event["time"][:10] for event in events if isinstance(event.get("time"), str)}
    assert days == {f"2026-03-{day:02}" for day in range(2, 9)}


def test_no_user_or_host_in_the_sample_is_real():
    text = (SAMPLE / "identities.json").read_text(encoding="utf-8")
    assert all(user["email"].endswith(("@example.com", "@retired.invalid")) for user in json.loads(text)["users"])
    hosts = set(re.findall(rb"https?://([^/\"\\]+)", LOG.read_bytes()))
    assert hosts == {b"lms.example.com"}


def test_golden_statements_are_those_of_upstream():
    run(TESTS / "golden" / "regenerate.py", "--check")
