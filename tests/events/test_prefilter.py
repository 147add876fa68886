"""The prefilter never drops a known event, and classifies alike in C and in Python."""

import json
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.events import UnparsableLine, parse_event
from log_replay.events.prefilter import Prefilter, classify_lines
from log_replay.events.scanning import scan_lines
from log_replay.records import LineBlock, Position

NAMES = frozenset({"play_video", "edx.course.enrollment.activated"})
PREFILTER = Prefilter(NAMES)

needs_compiled = pytest.mark.skipif(
    _speedups.classify_lines is None,
    reason="C extension not built: install a C compiler, then `make test`",
)


def block(text: bytes) -> LineBlock:
    return LineBlock("tracking.log", (text,), 1000, 1000 + len(text))


def in_c(text: bytes):
    """Classify with the C extension if it is built."""
    return PREFILTER.classify(block(text), level=2)


def in_python(text: bytes):
    return classify_lines(text, frozenset(name.encode() for name in NAMES), level=2)


SPELLINGS = st.sampled_from(['"name"', '"n\\u0061me"', '"nested"'])
VALUES = st.sampled_from(['"play_video"', '"play\\u005fvideo"', '"page_close"', '{"name": "play_video"}', "7"])


@pytest.mark.parametrize("classify", [in_c, in_python])
@given(
    pairs=st.lists(st.tuples(SPELLINGS, VALUES), max_size=4),
    colon=st.sampled_from([": ", ":", " :\t"]),
    text=st.text(max_size=5),
    names_first=st.booleans(),
)
def test_unparsed_lines_are_never_known_events(classify, pairs, colon, text, names_first):
    inside = [f"{key}{colon}{value}" for key, value in pairs]
    others = [f'"text": {json.dumps(text)}', '"event": ""']
    line = f"{{{', '.join([*inside, *others] if names_first else [*others, *inside])}}}".encode()
    if not classify(line).events:
        assert parse_event(line, Position("tracking.log", 0)).name not in NAMES


#: The texts that the prefilter searches for, whole and in parts.
PIECES = st.sampled_from(
    [
        b'{"name": "', b'"name"', b"name", b'me"', b'"event_type"', b"t_", b'"', b":", b": ", b" \t", b"\r", b"\v",
        b"{", b"}", b"play_video", b'"play_video"', b"/courses/", b"page_close", b"\\", b"\\u00", b"\\u005f", b"\\u0",
        b"\\u00e9", b"123456789", b"1234567890123456789", b"x" * 63, b"\0", b"\xff", b"\n",
    ]
)  # fmt: skip


@needs_compiled
@given(st.lists(PIECES | st.binary(max_size=70), max_size=30).map(b"".join))
def test_any_bytes_are_classified_alike_in_c_and_python(text):
    assert in_c(text) == in_python(text)
    assert [*in_c(text).unknown] == [*in_python(text).unknown]


@needs_compiled
def test_the_sample_is_classified_alike_in_c_and_python(sample_log):
    assert in_c(sample_log) == in_python(sample_log)


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_lines_are_counted_or_listed_by_class(ending):
    lines = [
        b"", b" \r", b'{"name": "play_video", "event": ""}', b'{"name": "page_close"}', b'{"event_type": "/a"} ',
        b'{"name": "play_video"', b'{"name": "other', b"Traceback", b'{"event_type": "/b"}',
        b'{"name": "play_video", "n": 1234567890123456789}',
    ]  # fmt: skip
    text = b"\n".join(lines) + ending
    for classify in (in_c, in_python):
        found = classify(text)
        assert (found.lines, found.blank, dict(found.unknown)) == (10, 2, {b"page_close": 1, b"/": 2})
        assert [(text[begin:end], plain) for begin, end, plain in found.events] == [
            (lines[2], True), (lines[5], True), (lines[9], False)
        ]  # fmt: skip
        assert [text[begin:].split(b"\n")[0] for begin in found.broken] == [lines[6], lines[7]]


@pytest.mark.parametrize(
    "arguments",
    [
        (), (b"text", frozenset()), ("text", frozenset(), 0), (b'{"name": "x"}', [b"x"], None),
        (b'{"name": "x"}', frozenset(["x"]), None), (b'{"name": "x"}', frozenset(), "x"),
    ],
)  # fmt: skip
@needs_compiled
def test_wrong_arguments_are_an_error(arguments):
    with pytest.raises((TypeError, SystemError)):
        _speedups.classify_lines(*arguments)


@pytest.fixture
def threads_that_wait():
    """Let a thread run only when another one gives up Python's global lock."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    yield
    sys.setswitchinterval(before)


@needs_compiled
@pytest.mark.usefixtures("threads_that_wait")
def test_other_threads_run_while_lines_are_classified():
    begun, ran = threading.Event(), list[bool]()
    thread = threading.Thread(target=lambda: (begun.wait(), ran.append(True)))
    thread.start()
    text = b'{"name": "page_close"}\n' * 100_000
    begun.set()
    for _ in range(1000):
        if not ran:
            in_c(text)
    assert ran
    thread.join()


def test_only_wanted_lines_are_classified():
    text = b'{"name": "play_video"}\n\n{"name": "play_video"}\n'
    wanted = LineBlock("tracking.log", (text,), 1000, 1000 + len(text), wanted=frozenset({1024}))
    assert PREFILTER.classify(wanted).events == [(24, 46, True)]


def test_only_wanted_lines_are_scanned():
    text = b'{"time": "2026-03-02T08:15:27"}\n{"time": "2026-03-02T09:15:27"}\n'
    wanted = LineBlock("tracking.log", (text,), 1000, 1000 + len(text), wanted=frozenset({1032}))
    assert PREFILTER.classify(wanted, level=0).scanned == scan_lines(text[32:], 0)


def test_lines_are_scanned_only_if_asked():
    assert PREFILTER.classify(block(b"{}")).scanned == ()


def test_a_cut_off_line_of_a_known_event_is_parsed():
    (begin, end, _) = PREFILTER.classify(block(b'{"name": "play_video", "event": ')).events[0]
    with pytest.raises(UnparsableLine):
        parse_event(b'{"name": "play_video", "event": '[begin:end], Position("tracking.log", 0))
