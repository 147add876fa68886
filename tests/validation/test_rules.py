"""Rules are named without values of the statement, and no content of a statement raises an error."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.validation import Validator
from tests.support.mutated_statements import mutated
from tests.support.paths import TESTS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)
STATEMENT = {
    "actor": {"mbox": "mailto:a@example.com"},
    "verb": {"id": "http://example.com/v"},
    "object": {"id": "http://example.com/o"},
}
ENVELOPE = json.loads((TESTS / "golden/caliper/play_video.json").read_text())["statements"][0]
CALIPER_EVENT = ENVELOPE["data"][0]


def rules(transformer_type, value):
    return [violation.rule for violation in Validator(transformer_type).violations(json.dumps(value).encode())]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"verb": {}}, ["verb: id is missing"]),
        ({"grade": 1}, ["the statement: has a property that xAPI 1.0.3 does not define"]),
        ({"actor": {}}, ["actor: does not have exactly one of mbox, mbox_sha1sum, openid and account"]),
        ({"verb": {"id": "http://v", "display": {"en": 1}}}, ["verb.display.*: is not a text"]),
        (
            {"verb": {"id": "http://v", "display": {"a language": ""}}},
            ["verb.display: has a key that is not a language tag of RFC 5646"],
        ),
        (
            {"context": {"contextActivities": {"parent": [{"id": "x"}]}}},
            ["context.contextActivities.parent[].id: is not an IRI with a scheme"],
        ),
        ({"context": {"extensions": {"key": 1}}}, ["context.extensions: has a key that is not an IRI with a scheme"]),
        ({"result": {"score": {"raw": 2, "max": 1}}}, ["result.score: is not an ordered score: min, raw, max"]),
        (
            {"object": {"objectType": "StatementRef", "id": "x"}, "context": {"platform": "web"}},
            [
                "object.id: is not a UUID of RFC 4122's variant",
                "context.platform: is set, but the object is not an activity",
            ],
        ),
        (
            {"verb": {"id": "http://adlnet.gov/expapi/verbs/voided"}},
            ["object: objectType is missing"],
        ),
    ],
)
def test_rule_of_xapi(change, expected):
    assert sorted(rules("xapi", STATEMENT | change)) == sorted(expected)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"eventTime": "2026-03-02T08:15:27+00:00"}, ["data[].eventTime: is not a time in UTC with milliseconds"]),
        ({"action": "Played"}, ["data[].action: is not an action of Caliper 1.2"]),
        ({"action": "Graded"}, ["data[].action: is not an action of MediaEvent"]),
        ({"object": {"id": "http://o", "type": "Assessment"}},
         ["data[].object.type: is not a type of object that MediaEvent has"]),
        ({"id": "562c73f0-e215-5c43-8abb-9f11a08aff81"}, ["data[].id: is not urn:uuid: with a UUID"]),
        ({"actor": "somebody"}, ["data[].actor: is neither an IRI nor the identifier of a blank node"]),
        ({"actor": {"id": "http://a", "type": "VideoObject"}}, ["data[].actor.type: is not a type of agent"]),
        ({"grade": 1}, ["data[]: has a property that Caliper 1.2 does not define"]),
        (
            {"generated": {"id": "_:s", "type": "Score", "points": 1}},
            ["data[].generated: has a key that is not a property of Score: other properties belong into extensions"],
        ),
    ],
)  # fmt: skip
def test_rule_of_caliper(change, expected):
    found = set(rules("caliper", {**ENVELOPE, "data": [CALIPER_EVENT | change]}))
    assert set(expected) <= found
    assert bool(expected) == bool(found)


def test_caliper_event_without_envelope_is_checked():
    assert rules("caliper", CALIPER_EVENT) == []
    assert rules("caliper", CALIPER_EVENT | {"id": 1}) == ["id: is not urn:uuid: with a UUID"]


@pytest.mark.parametrize(
    ("transformer_type", "invalid"),
    [
        ("xapi", {"problem_check.server_questions", *(f"edx.special_exam.{kind}.attempt.{step}" for kind in
                  ("timed", "proctored", "practice") for step in ("created", "submitted"))}),
        ("caliper", {"edx.ui.lms.link_clicked", "problem_check.server_context"}),
    ],
)  # fmt: skip
def test_few_of_upstreams_statements_are_invalid(transformer_type, invalid):
    """These are the rows of a table in docs/explain.md."""
    validator = Validator(transformer_type)
    golden = {path: json.loads(path.read_text()) for path in (TESTS / "golden" / transformer_type).glob("*.json")}
    assert invalid == {
        path.stem
        for path, content in golden.items()
        if not all(validator.is_valid(json.dumps(statement).encode()) for statement in content["statements"])
    }


@given(JSON)
def test_any_json_has_a_verdict(value):
    for transformer_type in ("xapi", "caliper"):
        validator = Validator(transformer_type)
        text = json.dumps(value).encode()
        assert validator.is_valid(text) == (not validator.violations(text))


@pytest.mark.parametrize(
    "text", [b'{"a":' * 5000 + b"1" + b"}" * 5000, b'"\\ud800"', b'{"id": "\\ud800"}', b"[" * 100_000, b"9" * 5000]
)
def test_hostile_statements_are_invalid(text):
    validator = Validator("xapi")
    assert not validator.is_valid(text)
    assert validator.violations(text)


def test_rules_name_no_value_of_a_statement():
    secret = "k7Qz"
    for statement in mutated([STATEMENT | {"result": {"response": "text"}}], 300, 7):
        marked = json.loads(re.sub(r'"(text|x|foo|Verb|e|no-scheme)"', f'"{secret}"', json.dumps(statement)))
        assert not [rule for rule in rules("xapi", marked) if secret in rule]
