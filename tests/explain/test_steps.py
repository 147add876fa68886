"""Each reject reason that the suite knows ends at the right step."""

from __future__ import annotations

import json
import re

import pytest
from event_routing_backends.processors.xapi.event_transformers import VideoInteractionTransformers
from event_routing_backends.processors.xapi.registry import XApiTransformersRegistry

from log_replay.explain import steps
from log_replay.report.reasons import EXCEPTIONS, REFUSED, REJECTED, UNPARSABLE, reason_text
from tests.support.paths import TESTS

PLAY, NEXT, LINK = "play_video", "edx.ui.lms.sequence.next_selected", "edx.ui.lms.link_clicked"


def golden(name):
    return json.loads((TESTS / f"golden/xapi/{name}.json").read_text())["event"]


def event(key, **changes):
    """Return a golden event with some values replaced, by dotted paths with ``__`` for the dots."""
    found = golden(key)
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = found
        for parent in parents:
            if isinstance(node[parent], str):
                node[parent] = json.loads(node[parent])
            node = node[parent]
        if value is None:
            node.pop(last, None)
        else:
            node[last] = value
    return found


def nan_line():
    return json.dumps(event("seek_video", event__old_time=float("nan"))).encode()


def without_answer():
    found = golden("problem_check.server")
    for answer in found["event"]["submission"].values():
        del answer["answer"]
    return found


#: For each reason: a line, options, and the step.
TABLE = {
    "no_json": (b"Traceback (most recent call last):", {}, steps.LINE),
    "not_json": (b'{"name": "play_video", }', {}, steps.LINE),
    "not_utf8": (b'{"name": "play_video", "event": "\xff"}', {}, steps.LINE),
    "too_deep": (b'{"name": "play_video", "event": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, steps.LINE),
    "no_event": (b'{"name": "play_video"}', {}, steps.LINE),
    "line_too_long": (b'{"event": "' + b"x" * (17 << 20) + b'"}', {}, steps.LINE),
    "anonymous": (event(PLAY, username="", context__user_id=None), {}, steps.USER),
    "unknown_user": (event(PLAY, context__user_id=999_999), {}, steps.USER),
    "no_external_id": (event(PLAY, context__user_id=10), {}, steps.USER),
    "unknown_course": (event(PLAY, context__course_id="course-v1:No+Such+Course"), {}, steps.COURSE),
    "unreadable_time": (event(PLAY, time="yesterday"), {"since": "2026-03-01"}, steps.FILTERS),
    "non_finite_number": (nan_line(), {}, steps.STATEMENTS),
    "lone_surrogate": (event(PLAY, time="\ud800"), {}, steps.STATEMENTS),
    "no_object_id": (event(NEXT, event__id=None), {}, steps.STATEMENTS),
    "invalid_statement": (event(LINK, event__target_url="#main"), {"invalid": "reject"}, steps.RULES),
    "ValueError": (event("seek_video", event__id=None), {}, steps.STATEMENTS),
    "InvalidKeyError": (event(PLAY, context__course_id="x"), {}, steps.STATEMENTS),
    "TypeError": (event("edx.completion.block_completion.changed", event__completion=""), {}, steps.STATEMENTS),
    "KeyError": (without_answer(), {}, steps.STATEMENTS),
    "OverflowError": (event(PLAY, context__user_id=float("inf")), {}, steps.STATEMENTS),
    "AttributeError": (event(PLAY, context__course_id=7), {}, steps.STATEMENTS),
    "IndexError": (event(PLAY, context__course_id="OrchardU/HIST10/2013_Fall"), {}, steps.STATEMENTS),
}
#: For each reason that depends on more than the line: more of its entry in a file of rejects, options, the step, and a
#: part of what is shown there.
LISTED = {
    **{name: ({"statement_id": "x"}, {}, steps.REFUSED, row.meaning) for row in REFUSED for name in row.names},
    "worker_died": ({}, {}, steps.REJECTED, "--from_rejects and fewer --workers."),
    "no_such_line": ({"offset": 1}, {}, steps.LINE, "no line begins at this offset"),
    "unreadable_time": ({}, {}, steps.REJECTED, "--from_rejects, without --since and --until."),
    "invalid_statement": ({}, {}, steps.REJECTED, "--from_rejects and --invalid keep."),
    "unknown_user": ({}, {}, steps.REJECTED, "(unknown_user), which gives statements here"),
    "unknown_course": ({}, {"event": ["pause_video"]}, steps.REJECTED, "for another reason (unknown_course)"),
}


def test_the_tables_have_every_reason():
    known = {name for row in (*UNPARSABLE, *REJECTED, *EXCEPTIONS, *REFUSED) for name in row.names}
    assert known - {"no_statement"} == {*TABLE, *LISTED}


@pytest.mark.parametrize("reason", LISTED)
def test_a_listed_reason_has_its_step(explain, tmp_path, reason):
    entry, options, step, fact = LISTED[reason]
    log, rejects = tmp_path / "one.log", tmp_path / "rejects.jsonl"
    log.write_text(json.dumps(golden(PLAY)) + "\n")
    rejects.write_text(json.dumps({"object": str(log), "offset": 0, "reason": reason, "event": PLAY, **entry}) + "\n")
    (found,) = explain(from_rejects=str(rejects), **options)
    assert found.steps[-1].name == step
    assert fact in " ".join(found.steps[-1].facts)


@pytest.mark.parametrize("reason", TABLE)
def test_a_reason_ends_at_its_step(explain_text, reason):
    text, options, step = TABLE[reason]
    found = explain_text(text, **options)
    assert (found.ending.reason, found.failed_step) == (reason, step)
    assert found.steps[-1].failed
    assert found.ending.meaning.startswith((reason_text(reason).meaning, "The event has no ", "In this event, "))
    assert found.ending.next_steps


@pytest.mark.parametrize("reason", ["unknown_user", "ValueError", "no_external_id", "InvalidKeyError"])
def test_an_exception_has_its_place_in_upstreams_code(explain_text, reason):
    text, options, _ = TABLE[reason]
    place, code, *_ = explain_text(text, **options).ending.raised_at
    assert place.startswith("event_routing_backends/")
    assert ".py:" in place
    assert re.match(r"\w+\.py:\d+: .", code)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (event(PLAY, context__course_id=None), "context.course_id"),
        (event("seek_video", event__id=None), "event.id"),
        (without_answer(), "answer"),
    ],
)
def test_a_missing_field_is_named(explain_text, text, field):
    assert explain_text(text).ending.meaning == f"The event has no {field}, or it is empty."


def test_the_cause_of_an_exception_is_named(explain_text):
    old = explain_text(event(PLAY, context__course_id="OrchardU/HIST10/2013_Fall"))
    assert old.ending.meaning == "In this event, the course id has the old form Org/Course/Run."
    assert explain_text(event(PLAY, time="x")).ending.meaning == "In this event, the time is missing or cannot be read."


def test_an_error_inside_another_package_names_it(explain_text):
    assert any("called tincan/" in line for line in explain_text(event(PLAY, time="x")).ending.raised_at)


class SilentTransformer(VideoInteractionTransformers):
    """A third party's transformer that makes no statement."""

    def transform(self) -> list:
        return []


def test_a_transformer_that_makes_nothing_is_named(explain_text, monkeypatch):
    monkeypatch.setitem(XApiTransformersRegistry.mapping, PLAY, SilentTransformer)
    found = explain_text(golden(PLAY), transformers="upstream")
    assert (found.ending.reason, found.failed_step) == ("no_statement", steps.STATEMENTS)


@pytest.mark.parametrize(
    ("text", "reason", "step"),
    [
        (b"  ", "blank", steps.LINE),
        (event(PLAY, name="page_close"), "unknown", steps.EVENT),
        (event(PLAY, name="edx.grades.problem.submitted"), "unknown", steps.EVENT),
    ],
)
def test_a_line_that_is_no_known_event_ends_early(explain_text, text, reason, step):
    found = explain_text(text)
    assert (found.ending.reason, found.failed_step) == (reason, step)


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"since": "2027-01-01"}, "--since 2027-01-01T00:00:00+00:00: does not match"),
        ({"event": ["pause_video"]}, "--event pause_video: does not match"),
        ({"course": ["course-v1:*", "x"], "user": ["999"]}, "--user 999: does not match"),
        ({"org": ["Other"]}, "--org Other: does not match"),
    ],
)
def test_the_filter_that_excludes_an_event_is_named(explain_text, options, fact):
    found = explain_text(golden(PLAY), **options)
    assert (found.ending.reason, found.failed_step) == ("filtered", steps.FILTERS)
    assert fact in found.steps[-1].facts


def test_every_line_of_the_sample_ends_as_in_a_run(explain, replay, source, logs, tmp_path):
    rejects = tmp_path / "rejects.jsonl"
    report = replay(*source, "--dry_run", "--log_to", "null", "--rejects", str(rejects))
    given = dict(zip(("source_provider", "source_config"), source[1::2], strict=True))
    found = explain(from_rejects=str(rejects), **given)
    listed = [json.loads(line) for line in rejects.read_bytes().splitlines()]
    expected = {(entry["object"], entry["offset"]): entry["reason"] for entry in listed}
    assert {tuple(each.position): each.ending.reason for each in found} == expected
    assert report.rejects == len(found) > 20
    exceptions = [each for each in found if each.ending.reason[0].isupper()]
    assert "IndexError" in {each.ending.reason for each in exceptions}
    assert {each.failed_step for each in exceptions} == {steps.STATEMENTS}
    assert all(each.ending.raised_at for each in exceptions)
