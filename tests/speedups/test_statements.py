"""Statements are put together in the same way, compiled and in Python."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.records import Event, Position, Statement
from log_replay.statements.native.caliper import envelope as caliper
from log_replay.statements.native.fields import UnsupportedEvent
from log_replay.statements.native.platform import Platform
from log_replay.statements.native.xapi import statement as xapi
from log_replay.statements.native.xapi import verbs

needs_compiled = pytest.mark.skipif(
    _speedups.xapi_statement is None,
    reason="not compiled: install a C compiler, then `touch pyproject.toml; make test`",
)

USUAL = "2026-03-02T08:15:27.913562+00:00"
FIELDS = {"timestamp": USUAL, "session": "5f0c"}
#: As the certified ones, and one whose address must be escaped.
PLATFORMS = st.sampled_from(["https://lms.example.com", 'https://"é"/', "x"]).map(
    lambda url: Platform(url, "event-routing-backends@9.3.8", sensor_id=url)
)


def xapi_by(how, platform, name, fields, *parts):
    return how(verbs.PLAYED, verbs.PLAYED.namespace, platform, name, fields, tuple(part.encode() for part in parts))


def caliper_by(how, platform, name, fields, more, _, about, line):
    event = Event(Position("log", 0), "play_video", fields, line.encode(), 7, None)
    return how(caliper.EventType("MediaEvent", "Resumed"), platform, name, event, about, more)


KINDS = [
    pytest.param(xapi_by, xapi.build_statement, xapi.build_statement_in_python, id="xapi"),
    pytest.param(caliper_by, caliper.build_envelope, caliper.build_envelope_in_python, id="caliper"),
]

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31))  # noqa: DTZ001 - the zone is given below
ZONES = st.sampled_from([timedelta(), timedelta(hours=-5), timedelta(hours=5, minutes=30)]).map(timezone)
SPELLED = st.builds(lambda moment, zone: moment.replace(tzinfo=zone).isoformat(), MOMENTS, ZONES)
#: Moments with something wrong or unusual about them, mostly one character.
DIGITS = st.builds(
    lambda text, at, char: text[: at % 33] + char + text[at % 33 + 1 :],
    SPELLED,
    st.integers(0, 40),
    st.sampled_from("0123456789:-+TZ. \u0660"),
)
ODD = st.sampled_from(['a"b', "a\\b", "\x7f", "\x1f", "é", "\ud800", ""])
NAMES = st.uuids().map(str) | st.text(max_size=40) | ODD
SESSIONS = NAMES | st.none() | st.integers() | st.booleans() | st.lists(NAMES, max_size=1)
SAID = st.fixed_dictionaries(
    {}, optional={"timestamp": st.just(USUAL) | SPELLED | DIGITS | st.text(max_size=33), "session": SESSIONS}
)
PARTS = st.lists(st.sampled_from(["", ',"a":1', "{}", ',"é":"é"']), min_size=4, max_size=4)


@pytest.mark.parametrize(("by", "how", "in_python"), KINDS)
@given(PLATFORMS, NAMES, SAID, PARTS)
def test_compiled_or_not_a_statement_is_the_same(by, how, in_python, platform, name, fields, parts):
    try:
        expected = by(in_python, platform, name, fields, *parts)
    # Of what upstream will decide: missing times, lone surrogates, days that there are not.
    except (LookupError, TypeError, ValueError, AttributeError, UnsupportedEvent) as error:
        with pytest.raises(type(error)):
            by(how, platform, name, fields, *parts)
    else:
        made = by(how, platform, name, fields, *parts)
        assert (type(made), made) == (Statement, expected)
        assert hash(made) == hash(expected)


COMPILED = [
    pytest.param(
        lambda name, fields: _speedups.xapi_statement(
            xapi._template(verbs.PLAYED, verbs.PLAYED.namespace, Platform("x", "1")),
            Statement, fields, name, (b"", b"", b"{}", b""),
        ),
        id="xapi",
    ),
    pytest.param(
        lambda name, fields: _speedups.caliper_statement(
            caliper._template(caliper.EventType("MediaEvent", "Resumed"), Platform("x", "1")),
            Statement, b"{}", fields, name, "", "{}",
        ),
        id="caliper",
    ),
]  # fmt: skip


@needs_compiled
@pytest.mark.parametrize("put_together", COMPILED)
@pytest.mark.parametrize(
    ("name", "changed", "usual"),
    [
        ("3f0c", {}, True),
        ("3f0c", {"session": ""}, True),
        ("3f0c", {"session": None}, True),
        ("3f0c", {"session": 'a"b'}, False),
        ("3f0c", {"session": 5}, False),
        ("", {}, False),
        ("é", {}, False),
        ("3f0c", {"timestamp": "2026-02-28T23:59:59.000001+00:00"}, True),
        ("3f0c", {"timestamp": "2028-02-29T08:15:27.913562+00:00"}, False),
        ("3f0c", {"timestamp": "2026-03-02T08:15:27.000000+00:00"}, False),
        ("3f0c", {"timestamp": "2026-03-02T08:15:27+00:00"}, False),
        ("3f0c", {"timestamp": "2026-03-02T24:00:00.000001+00:00"}, False),
        ("3f0c", {"timestamp": "2026-13-02T08:15:27.913562+00:00"}, False),
        ("3f0c", {"timestamp": "2026-04-31T08:15:27.913562+00:00"}, False),
        ("3f0c", {"timestamp": None}, False),
    ],
)
def test_only_the_usual_is_left_to_compiled_code(put_together, name, changed, usual):
    assert (put_together(name, FIELDS | changed) is not None) == usual
    assert put_together(name, {}) is None


@needs_compiled
@pytest.mark.parametrize("put_together", COMPILED)
def test_what_it_cannot_take_is_an_error(put_together):
    for name, fields in (("3f0c", []), ("3f0c", None)):
        with pytest.raises(TypeError):
            put_together(name, fields)
    for broken in ((), ((), Statement, FIELDS, "3f0c", (b"",) * 4)):
        with pytest.raises(TypeError):
            _speedups.xapi_statement(*broken)
    for broken in ((), ((), Statement, b"", FIELDS, "3f0c", "", "")):
        with pytest.raises(TypeError):
            _speedups.caliper_statement(*broken)


@pytest.mark.parametrize(("by", "how", "in_python"), KINDS)
def test_a_statement_s_parts_are_where_they_belong(by, how, in_python):
    for function in (how, in_python):
        made = by(function, Platform("https://lms.example.com", "1"), "3f0c", FIELDS, ',"a":1', "", "{}", "{}")
        text = json.loads(made.text)
        if by is xapi_by:
            assert (text["id"], text["timestamp"]) == (made.id, made.timestamp) == (str(uuid.UUID(made.id)), USUAL)
            assert text["actor"]["account"] == {"name": "3f0c", "homePage": "https://lms.example.com"}
            assert list(text["context"]["extensions"].values()) == ["1", 1, "5f0c"]
        else:
            (event,) = text["data"]
            assert (event["id"], event["eventTime"]) == (made.id, made.timestamp)
            assert event["actor"]["id"] == "https://lms.example.com/user/3f0c"
            assert event["session"]["id"] == "https://lms.example.com/sessions/5f0c"
