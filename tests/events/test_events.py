"""Reading events: prefixes, nested JSON, numbers, rejects and counters."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.events import UnparsableLine, parse_event, read_events
from log_replay.events.filters import Filters
from log_replay.events.prefilter import Prefilter, is_plain
from log_replay.records import BlockResult, LineBlock, Position

NAMES = frozenset({"play_video", "edx.course.enrollment.activated"})
PREFILTER = Prefilter(NAMES)
HERE = Position("tracking.log", 7)


def event(line: bytes | str):
    return parse_event(line.encode() if isinstance(line, str) else line, HERE)


def reason(line: bytes) -> str:
    with pytest.raises(UnparsableLine) as caught:
        event(line)
    return caught.value.reason


def read(*lines: bytes, filters: Filters | None = None):
    text = b"".join(line + b"\n" for line in lines)
    return found_in(LineBlock("tracking.log", (text,), 0, len(text)), filters)


def found_in(block: LineBlock, filters: Filters | None = None, prefilter: Prefilter = PREFILTER):
    result = BlockResult(block.object, block.end_offset)
    events = list(read_events(block, prefilter, filters or Filters(), result))
    return SimpleNamespace(
        events=events, counters=result.counters, rejects=result.rejects, unknown_names=result.unknown_names
    )


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "2026-03-02 08:15:27,913 INFO 17 [tracking] [user 7] [ip 172.18.0.1] logger.py:41 - ",
        "{lms} {worker-1} ",
        "\0\0\0\0",
        "\ufeff",
    ],
    ids=["none", "LMS", "braces", "NUL bytes of a truncated file", "byte order mark"],
)
def test_any_prefix_is_skipped(prefix):
    assert event(prefix + '{"name": "play_video", "event": {"id": 1}}').fields["data"] == {"id": 1}


@pytest.mark.parametrize("ending", [b"", b"\r", b" \t "])
def test_white_space_after_the_event_is_ignored(ending):
    assert event(b'{"name": "play_video", "event": ""}' + ending).name == "play_video"


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('"{\\"id\\": 1}"', {"id": 1}),
        ('"[1, 2]"', [1, 2]),
        ('"5"', 5),
        ('"null"', None),
        ('"input_1=choice_2"', "input_1=choice_2"),
        ('""', ""),
        ("[1]", [1]),
        ("null", None),
    ],
)
def test_an_event_field_that_is_a_json_string_is_decoded(text, data):
    assert event('{"name": "play_video", "event": %s}' % text).fields["data"] == data  # noqa: UP031


def test_time_is_copied_to_a_missing_timestamp():
    assert event('{"event": "", "time": "T"}').fields["timestamp"] == "T"
    assert event('{"event": "", "time": "T", "timestamp": "S"}').fields["timestamp"] == "S"


def test_the_last_of_duplicate_keys_is_used():
    assert event('{"name": "a", "name": "play_video", "event": ""}').name == "play_video"


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "-9223372036854775809", "18446744073709551616"])
def test_large_integers_keep_their_digits(number):
    assert json.dumps(event('{"event": {"attempts": %s}}' % number).fields["data"]["attempts"]) == number  # noqa: UP031


@given(st.integers(), st.text(), st.integers(min_value=0, max_value=40), st.booleans())
def test_integers_are_read_as_by_json_anywhere_in_a_line(number, text, blanks, nested):
    data = {"pad": " " * blanks, text: number}
    line = json.dumps({"event": json.dumps(data) if nested else data}).encode()
    read_fast = parse_event(line, HERE, plain=is_plain(line)).fields["data"]
    assert json.dumps(read_fast) == json.dumps(event(line).fields["data"]) == json.dumps(data)


def test_nan_and_infinity_are_read_as_by_json():
    data = event('{"event": {"grade": NaN, "max": -Infinity}}').fields["data"]
    assert data["grade"] != data["grade"]
    assert data["max"] == float("-inf")


def test_lone_surrogates_are_kept():
    assert event('{"event": {"text": "\\ud800"}}').fields["data"]["text"] == "\ud800"
    assert event('{"event": "{\\"text\\": \\"\\\\ud800\\"}"}').fields["data"]["text"] == "\ud800"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"not an event at all", "no_json"),
        (b'{"name": "play_video", "event": {"id": 1', "no_json"),
        (b'text": {"a": 1}, "event": ""}', "not_json"),
        (b'{"event": ""} trailing', "no_json"),
        (b'{"event": ""} {"event": ""}', "not_json"),
        (b'{"event": "\0"}', "not_json"),
        (b'{"event": "\xff"}', "not_utf8"),
        (b'{"event": "\xed\xa0\x80"}', "not_utf8"),
        (b'{"name": "play_video"}', "no_event"),
        (b'{"event": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
        (b'{"event": ' + b"1" * 10_000 + b"}", "not_json"),
    ],
)
def test_unparsable_lines_have_a_reason(line, expected):
    assert reason(line) == expected


def test_an_event_name_that_is_not_a_string_is_unknown():
    found = read(b'{"name": ["play_video"], "event": "", "x": {"name": "play_video"}}')
    assert (found.counters.unknown, found.events) == (1, [])


def test_each_line_is_counted_once():
    found = read(
        b"",
        b" \r",
        b'{"name": "play_video", "event": ""}',
        b'{"name": "page_close", "event": ""}',
        b'{"event_type": "/courses/x/ada@example.com", "event": ""}',
        b'{"name": "play_video", "event": ',
    )
    assert (found.counters.lines, found.counters.blank, found.counters.known) == (6, 2, 1)
    assert (found.counters.unknown, found.counters.unparsable) == (2, 1)
    assert dict(found.unknown_names) == {"page_close": 1, "(URL)": 1}


def test_unknown_names_that_may_be_typed_text_are_not_shown():
    found = read(b'{"name": "ada wrote this", "event": ""}', b'{"context": {"name": "Ada"}, "event": ""}')
    assert dict(found.unknown_names) == {"(other)": 2}


def test_event_names_of_plugins_may_be_any_string():
    line = '{"name": "vidéo/jouée", "event": ""}'.replace("é", "\\u00e9").replace("/", "\\/").encode()
    block = LineBlock("tracking.log", (line,), 0, len(line))
    found = found_in(block, prefilter=Prefilter(frozenset({"vidéo/jouée"})))
    assert [event.name for event in found.events] == ["vidéo/jouée"]


def test_an_oversized_line_is_a_reject():
    found = found_in(LineBlock("tracking.log", (b"",), 99, 99, oversized=[5]))
    assert [(reject.position.offset, reject.reason) for reject in found.rejects] == [(5, "line_too_long")]
