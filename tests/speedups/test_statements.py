"""``xapi_statement`` and ``caliper_statement``: the same statements in C and in Python."""

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
from log_replay.statements.native.xapi.actors import _actor_with_mbox

needs_extension = pytest.mark.skipif(
    _speedups.xapi_statement is None,
    reason="C extension not built: install a C compiler, then `make test`",
)

USUAL = "2026-03-02T08:15:27.913562+00:00"
FIELDS = {"timestamp": USUAL, "session": "5f0c"}
#: With a root URL as in production, and one that needs escapes in JSON.
PLATFORMS = st.sampled_from(["https://lms.example.com", 'https://"é"/', "x"]).map(
    lambda url: Platform(url, "event-routing-backends@9.3.8", sensor_id=url)
)


def xapi_statement(platform, name, fields, *fragments):
    fragments = tuple(fragment.encode() for fragment in fragments)
    return xapi.build_statement(verbs.PLAYED, verbs.PLAYED.namespace, platform, name, fields, fragments)


def caliper_statement(platform, name, fields, extensions, _, object_, line):
    event = Event(Position("log", 0), "play_video", fields, line.encode(), 7, None)
    return caliper.build_envelope(
        caliper.EventType("MediaEvent", "Resumed"), platform, name, event, object_, extensions
    )


def in_python(build, *arguments):
    """Build a statement as without the extension."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_speedups, "xapi_statement", None)
        patch.setattr(_speedups, "caliper_statement", None)
        return build(*arguments)


BUILDERS = [pytest.param(xapi_statement, id="xapi"), pytest.param(caliper_statement, id="caliper")]

TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31))  # noqa: DTZ001 - the zone is given below
ZONES = st.sampled_from([timedelta(), timedelta(hours=-5), timedelta(hours=5, minutes=30)]).map(timezone)
WITH_ZONE = st.builds(lambda time, zone: time.replace(tzinfo=zone).isoformat(), TIMES, ZONES)
#: Invalid or unusual times, most of them with one wrong character.
ALTERED = st.builds(
    lambda text, at, char: text[: at % 33] + char + text[at % 33 + 1 :],
    WITH_ZONE,
    st.integers(0, 40),
    st.sampled_from("0123456789:-+TZ. \u0660"),
)
UNUSUAL = st.sampled_from(['a"b', "a\\b", "\x7f", "\x1f", "é", "\ud800", ""])
NAMES = st.uuids().map(str) | st.text(max_size=40) | UNUSUAL
SESSIONS = NAMES | st.none() | st.integers() | st.booleans() | st.lists(NAMES, max_size=1)
EVENT_FIELDS = st.fixed_dictionaries(
    {}, optional={"timestamp": st.just(USUAL) | WITH_ZONE | ALTERED | st.text(max_size=33), "session": SESSIONS}
)
FRAGMENTS = st.lists(st.sampled_from(["", ',"a":1', "{}", ',"é":"é"']), min_size=4, max_size=4)


@pytest.mark.parametrize("build", BUILDERS)
@given(PLATFORMS, NAMES, EVENT_FIELDS, FRAGMENTS)
def test_statements_are_the_same_in_c_and_python(build, platform, name, fields, fragments):
    try:
        expected = in_python(build, platform, name, fields, *fragments)
    # Events that upstream's code transforms or rejects: missing times, lone surrogates, invalid dates.
    except (LookupError, TypeError, ValueError, AttributeError, UnsupportedEvent) as error:
        with pytest.raises(type(error)):
            build(platform, name, fields, *fragments)
    else:
        statement = build(platform, name, fields, *fragments)
        assert (type(statement), statement) == (Statement, expected)
        assert hash(statement) == hash(expected)


@given(PLATFORMS, st.sampled_from(["ada@example.com", 'a"b@example.com', "é@example.com"]), EVENT_FIELDS, FRAGMENTS)
def test_statements_by_mail_are_the_same_in_c_and_python(platform, email, fields, fragments):
    actor = _actor_with_mbox(email)
    try:
        expected = in_python(xapi_statement, platform, actor, fields, *fragments)
    except (LookupError, TypeError, ValueError, AttributeError, UnsupportedEvent) as error:
        with pytest.raises(type(error)):
            xapi_statement(platform, actor, fields, *fragments)
    else:
        assert xapi_statement(platform, actor, fields, *fragments) == expected
        assert b'"mbox":%b' % json.dumps(f"mailto:{email}", ensure_ascii=False).encode() in expected.text


C_FUNCTIONS = [
    pytest.param(
        lambda name, fields: _speedups.xapi_statement(
            xapi.template_of(verbs.PLAYED, Platform("x", "1")),
            Statement, fields, name, (b"", b"", b"{}", b""),
        ),
        id="xapi",
    ),
    pytest.param(
        lambda name, fields: _speedups.caliper_statement(
            caliper.template_of(caliper.EventType("MediaEvent", "Resumed"), Platform("x", "1")),
            Statement, b"{}", fields, name, "", "{}",
        ),
        id="caliper",
    ),
]  # fmt: skip


@needs_extension
@pytest.mark.parametrize("build", C_FUNCTIONS)
@pytest.mark.parametrize(
    ("name", "changes", "built"),
    [
        ("3f0c", {}, True),
        ("3f0c", {"session": ""}, True),
        ("3f0c", {"session": None}, True),
        ("3f0c", {"session": 'a"b'}, False),
        ("3f0c", {"session": 5}, False),
        ("", {}, True),
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
def test_only_usual_events_are_built_in_c(build, name, changes, built):
    assert (build(name, FIELDS | changes) is not None) == built
    assert build(name, {}) is None


@needs_extension
@pytest.mark.parametrize("build", C_FUNCTIONS)
def test_wrong_arguments_are_an_error(build):
    for name, fields in (("3f0c", []), ("3f0c", None)):
        with pytest.raises(TypeError):
            build(name, fields)
    for arguments in ((), ((), Statement, FIELDS, "3f0c", (b"",) * 4)):
        with pytest.raises(TypeError):
            _speedups.xapi_statement(*arguments)
    for arguments in ((), ((), Statement, b"", FIELDS, "3f0c", "", "")):
        with pytest.raises(TypeError):
            _speedups.caliper_statement(*arguments)


@pytest.mark.parametrize("build", BUILDERS)
def test_all_parts_are_in_their_place(build):
    arguments = (Platform("https://lms.example.com", "1"), "3f0c", FIELDS, ',"a":1', "", "{}", "{}")
    for statement in (build(*arguments), in_python(build, *arguments)):
        text, id_ = json.loads(statement.text), statement.id
        if build is xapi_statement:
            assert (text["id"], text["timestamp"]) == (id_, statement.timestamp) == (str(uuid.UUID(id_)), USUAL)
            assert text["actor"]["account"] == {"name": "3f0c", "homePage": "https://lms.example.com"}
            assert list(text["context"]["extensions"].values()) == ["1", 1, "5f0c"]
        else:
            (event,) = text["data"]
            assert (event["id"], event["eventTime"]) == (id_, statement.timestamp)
            assert event["actor"]["id"] == "https://lms.example.com/user/3f0c"
            assert event["session"]["id"] == "https://lms.example.com/sessions/5f0c"
