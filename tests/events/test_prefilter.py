"""What the prefilter lets go, and that its two implementations are one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.events import UnparsableLine, parse_event
from log_replay.events.prefilter import Prefilter
from log_replay.records import LineBlock, Position

NAMES = frozenset({"play_video", "edx.course.enrollment.activated"})
PREFILTER = Prefilter(NAMES)

needs_compiled = pytest.mark.skipif(
    _speedups.classify_lines is None,
    reason="not compiled: install a C compiler, then `touch pyproject.toml; make test`",
)


def block(text: bytes) -> LineBlock:
    return LineBlock("tracking.log", (text,), 1000, 1000 + len(text))


SPELLINGS = st.sampled_from(['"name"', '"n\\u0061me"', '"nested"'])
VALUES = st.sampled_from(['"play_video"', '"play\\u005fvideo"', '"page_close"', '{"name": "play_video"}', "7"])


@pytest.mark.parametrize("sift", [PREFILTER.classify, PREFILTER.classify_in_python], ids=["as installed", "python"])
@given(
    pairs=st.lists(st.tuples(SPELLINGS, VALUES), max_size=4),
    colon=st.sampled_from([": ", ":", " :\t"]),
    text=st.text(max_size=5),
    names_first=st.booleans(),
)
def test_a_line_that_cannot_matter_is_never_a_known_event(sift, pairs, colon, text, names_first):
    """The prefilter is sound: whatever it lets go, parsing would let go too."""
    inside = [f"{key}{colon}{value}" for key, value in pairs]
    others = [f'"text": {json.dumps(text)}', '"event": ""']
    line = f"{{{', '.join([*inside, *others] if names_first else [*others, *inside])}}}".encode()
    if not sift(block(line)).events:
        assert parse_event(line, Position("tracking.log", 0)).name not in NAMES


#: What the decisions hang on, whole and in parts.
PIECES = st.sampled_from(
    [
        b'{"name": "', b'"name"', b"name", b'me"', b'"event_type"', b"t_", b'"', b":", b": ", b" \t", b"\r", b"\v",
        b"{", b"}", b"play_video", b'"play_video"', b"/courses/", b"page_close", b"\\", b"\\u00", b"\\u005f", b"\\u0",
        b"\\u00e9", b"123456789", b"1234567890123456789", b"x" * 63, b"\0", b"\xff", b"\n",
    ]
)  # fmt: skip


@needs_compiled
@given(st.lists(PIECES | st.binary(max_size=70), max_size=30).map(b"".join))
def test_compiled_or_not_the_prefilter_says_the_same(text):
    assert PREFILTER.classify(block(text)) == PREFILTER.classify_in_python(block(text))


@needs_compiled
def test_compiled_or_not_the_prefilter_says_the_same_of_the_sample(sample_log):
    assert PREFILTER.classify(block(sample_log)) == PREFILTER.classify_in_python(block(sample_log))


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_lines_of_every_kind_are_told_apart(ending):
    lines = [
        b"", b" \r", b'{"name": "play_video", "event": ""}', b'{"name": "page_close"}', b'{"event_type": "/a"} ',
        b'{"name": "play_video"', b'{"name": "other', b"Traceback", b'{"event_type": "/b"}',
        b'{"name": "play_video", "n": 1234567890123456789}',
    ]  # fmt: skip
    text = b"\n".join(lines) + ending
    for sift in (PREFILTER.classify, PREFILTER.classify_in_python):
        found = sift(block(text))
        assert (found.lines, found.blank, dict(found.unknown)) == (10, 2, {b"page_close": 1, b"/": 2})
        assert [(text[begin:end], plain) for begin, end, plain in found.events] == [
            (lines[2], True), (lines[5], True), (lines[9], False)
        ]  # fmt: skip
        assert [text[begin:].split(b"\n")[0] for begin in found.broken] == [lines[6], lines[7]]


@pytest.mark.parametrize("arguments", [(), (b"text",), ("text", frozenset()), (b'{"name": "x"}', ["x"])])
@needs_compiled
def test_the_compiled_prefilter_raises_on_what_it_cannot_take(arguments):
    with pytest.raises((TypeError, SystemError)):
        _speedups.classify_lines(*arguments)


def test_only_wanted_lines_are_told_apart():
    text = b'{"name": "play_video"}\n\n{"name": "play_video"}\n'
    wanted = LineBlock("tracking.log", (text,), 1000, 1000 + len(text), wanted=frozenset({1024}))
    assert PREFILTER.classify(wanted).events == [(24, 46, True)]


def test_a_line_that_is_cut_off_is_parsed_where_it_may_matter():
    (begin, end, _) = PREFILTER.classify(block(b'{"name": "play_video", "event": ')).events[0]
    with pytest.raises(UnparsableLine):
        parse_event(b'{"name": "play_video", "event": '[begin:end], Position("tracking.log", 0))
