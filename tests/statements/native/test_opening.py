"""How xAPI statements open, compiled and in Python."""

import json
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay import compiled
from log_replay.lms import User
from log_replay.records import Event, Position
from log_replay.statements.native.platform import Platform
from log_replay.statements.native.reading import Unusual
from log_replay.statements.native.xapi import verbs
from log_replay.statements.native.xapi.opening import opening, opening_in_python

PLATFORM = Platform("https://lms.example.com", "event-routing-backends@9.3.8")


class Somebody:
    """Identities that know one user."""

    def __init__(self, external_id):
        self.external_id = lambda _: external_id
        self.user = lambda _: User(7, "ada", "ada@example.com", external_id)


def opened(how, external_id, when):
    event = Event(Position("log", 0), "play_video", {"timestamp": when}, b"", 7, None)
    try:
        return how(verbs.PLAYED, verbs.PLAYED.namespace, event, PLATFORM, Somebody(external_id))
    except Unusual:
        return Unusual


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
IDS = st.uuids().map(str) | st.text(max_size=40) | st.sampled_from(['a"b', "a\\b", "\x7f", "\x1f", "é", "\ud800", ""])


@given(IDS, SPELLED | DIGITS | st.text(max_size=33))
def test_compiled_or_not_a_statement_opens_the_same_way(external_id, when):
    try:
        expected = opened(opening_in_python, external_id, when)
    except (TypeError, ValueError) as error:  # of what upstream will decide: lone surrogates, days that there are not
        with pytest.raises(type(error)):
            opened(opening, external_id, when)
    else:
        assert opened(opening, external_id, when) == expected


@pytest.mark.skipif(
    compiled.open_statement is None, reason="not compiled: install a C compiler, then `touch pyproject.toml; make test`"
)
@pytest.mark.parametrize(
    ("when", "usual"),
    [
        ("2026-03-02T08:15:27.913562+00:00", True),
        ("2026-02-28T23:59:59.000001+00:00", True),
        ("2028-02-29T08:15:27.913562+00:00", False),
        ("2026-03-02T08:15:27.000000+00:00", False),
        ("2026-03-02T08:15:27+00:00", False),
        ("2026-03-02T24:00:00.000001+00:00", False),
        ("2026-13-02T08:15:27.913562+00:00", False),
        ("2026-04-31T08:15:27.913562+00:00", False),
    ],
)
def test_only_the_usual_moments_are_left_to_compiled_code(when, usual):
    from log_replay.statements.native.xapi.opening import _frame

    frame = _frame(verbs.PLAYED, verbs.PLAYED.namespace, PLATFORM)
    assert (compiled.open_statement(frame, str(uuid.uuid4()), when) is not None) == usual
    for broken in ((), (frame, "id"), ((), "id", when), ((*frame[:-1], None), "id", when)):
        with pytest.raises(TypeError):
            compiled.open_statement(*broken)


def test_what_is_opened_is_the_beginning_of_a_statement():
    id_, timestamp, text = opened(opening, "3f0c", "2026-03-02T08:15:27.913562+00:00")
    statement = json.loads(text + b"}}}")
    assert (statement["id"], statement["timestamp"]) == (id_, timestamp) == (str(uuid.UUID(id_)), timestamp)
    assert statement["actor"]["account"] == {"name": "3f0c", "homePage": "https://lms.example.com"}
