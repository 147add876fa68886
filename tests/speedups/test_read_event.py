"""``read_event`` in C: the same events as its Python twin, and None for unusual lines."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.events import read_event
from log_replay.events.prefilter import is_plain
from log_replay.events.subjects import MAX_DEPTH
from log_replay.records import Event, Position
from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS

pytestmark = pytest.mark.skipif(
    _speedups.read_event is None, reason="C extension not built: install a C compiler, then `make test`"
)

HERE = Position("tracking.log", 7)


def read(line: bytes, *, username_first: bool = False):
    text, start = memoryview(b"before\n%b\nafter" % line), HERE.offset - 7
    return _speedups.read_event(
        orjson.loads, Event, Position, HERE.object, text, 7, 7 + len(line), start, username_first
    )


def is_read(line: bytes, *, username_first: bool = False) -> bool:
    """Return True if C read the line; then check that the twin reads the same event."""
    event = read(line, username_first=username_first)
    if event is not None:
        expected = read_event(HERE.object, line, 0, len(line), HERE.offset, username_first)
        assert (type(event), type(event.position)) == (Event, Position)
        assert hash(event.position) == hash(HERE)
        # Compared by repr: 1, 1.0 and True are equal, and NaN is not equal to itself.
        assert repr(event) == repr(expected)
        assert list(event.fields) == list(expected.fields)
    return event is not None


#: The keys that read_event looks for, at any level and with values of any type.
KEYS = st.sampled_from(
    ["event", "data", "time", "timestamp", "name", "context", "user_id", "username", "course_id", "other", ""]
)
PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
NESTED = JSON.map(json.dumps) | st.sampled_from(["input_1=2", " {", "\t[1]", "5", "nul", "-", "\x00", "é", " ", ""])
EVENTS = st.dictionaries(KEYS, JSON | NESTED, max_size=8)


@given(
    EVENTS | EVENTS.map(lambda fields: fields | {"event": "{}"}),
    st.booleans(),
    st.booleans(),
    st.sampled_from([(b"", b""), (b"", b"\r"), (b"Mar  2 08:15:27 lms [tracking] INFO - ", b""), (b"{} {", b" ")]),
)
def test_plain_lines_are_read_as_by_the_python_twin(fields, ascii_only, username_first, around):
    line = around[0] + json.dumps(fields, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") + around[1]
    if is_plain(line):
        is_read(line, username_first=username_first)


@pytest.mark.parametrize("key", sorted(FORMS))
def test_events_of_the_lms_are_read(key):
    line = json.dumps(raw_event(FORMS[key], Scene(number=3, user_id=5))).encode()
    assert is_read(line)
    assert is_read(b"Mar  2 08:15:27 lms [tracking] [user 3] INFO - %b\r" % line)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"}", b"[]", b"{}", b"{]}", b'{"name": "play_video"}', b'{"event": ""} x', b'x{} {"event": ""}',
        b'{"event": NaN}', b'{"event": "[NaN]"}', b'{"event": "\xff"}', b'{"event": "{"}',
        b'{"event": ""}{"event": ""}',
        b'{"event": ' + b"[" * 2000 + b"]" * 2000 + b"}",
    ],
)  # fmt: skip
def test_unusual_lines_are_left_to_the_twin(line):
    assert read(line) is None


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, MAX_DEPTH + 2])
def test_a_user_nested_too_deep_is_left_to_the_twin(depth):
    inner = {"user_id": 7}
    for _ in range(depth):
        inner = {"deeper": inner}
    assert is_read(json.dumps({"event": "", "context": inner}).encode()) == (depth <= MAX_DEPTH)


ARGUMENTS = (orjson.loads, Event, Position, "log", b'{"event": ""}', 0, 13, 0, False)


@pytest.mark.parametrize(
    ("index", "wrong"),
    [(0, None), (1, dict), (2, "Position"), (4, "text"), (5, -1), (5, 14), (6, 14), (6, None), (7, "0"), (7, 2**64)],
)
def test_wrong_arguments_are_an_error(index, wrong):
    with pytest.raises((TypeError, ValueError, OverflowError)):
        _speedups.read_event(*ARGUMENTS[:index], wrong, *ARGUMENTS[index + 1 :])
    with pytest.raises(TypeError):
        _speedups.read_event(*ARGUMENTS[:index])


def test_other_errors_than_of_the_line_are_raised():
    def out_of_memory(_line):
        raise MemoryError

    with pytest.raises(MemoryError):
        _speedups.read_event(out_of_memory, *ARGUMENTS[1:])
