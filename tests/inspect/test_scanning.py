"""The C functions that look at every line and statement, and their twins."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.inspect import scanning
from log_replay.records import Position, Statement, TransformedEvent

pytestmark = pytest.mark.skipif(_speedups.scan_lines is None, reason="C extension not built: install a C compiler")

DIGITS = st.text("0123456789", min_size=1, max_size=7)
#: Times, nearly times, and what surrounds them.
TIMES = st.one_of(
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))])).map(datetime.isoformat),
    st.from_regex(
        r"[12]\d{3}-[0-3]\d-[0-4]\d[T ][0-3]\d:[0-7]\d:[0-7]\d(\.\d{0,7})?(Z|[+-]\d\d:?\d\d|x)?", fullmatch=True
    ),
    st.text(max_size=30),
)
LINES = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda before, key, time, after: f'{before}"{key}": "{time}"{after}'.encode(errors="surrogatepass"),
        st.text(max_size=200), st.sampled_from(["time", "times", r"ti\me"]), TIMES,
        st.one_of(st.text(max_size=200), st.just(', "time": 7}'), st.just('"time"')),
    ),
)  # fmt: skip


@given(st.lists(LINES, max_size=8), st.integers(0, 6))
@example([b'{"time": "2026-02-30 23:59:59.1234567-01:00"}'], 0)
@example([b'{"time": "2026-03-02T08:15:27'], 0)
def test_c_scans_lines_as_python_does(lines, level):
    text = b"\n".join(lines)
    assert _speedups.scan_lines(text, level) == tuple(scanning.scan_lines(text, level))
    assert _speedups.scan_lines(memoryview(text), level) == tuple(scanning.scan_lines(text, level))


def statement(time, text):
    return Statement("", time, text)


STATEMENTS = st.builds(
    statement,
    TIMES,
    st.one_of(
        st.binary(max_size=80),
        st.builds(
            lambda before, verb, after: before + b'"verb":{"id":"' + verb + after,
            st.binary(max_size=40), st.binary(max_size=3), st.sampled_from([b'"}}', b"", b'"' * 90]),
        ),
    ),
)  # fmt: skip


@given(st.lists(st.lists(STATEMENTS, max_size=4), max_size=12), st.integers(0, 100))
def test_c_counts_statements_as_python_does(statements, threshold):
    events = [TransformedEvent(Position("x", 0), "name", tuple(found)) for found in statements]
    key = b'"verb":{"id":"'
    assert _speedups.count_statements(events, key, threshold) == tuple(
        scanning.count_statements(events, key, threshold)
    )


def test_more_verbs_than_c_remembers_are_counted():
    events = [
        TransformedEvent(Position("x", 0), "name", (statement("", b'"verb":{"id":"%d"' % (number % 40)),))
        for number in range(120)
    ]
    counted = _speedups.count_statements(events, b'"verb":{"id":"', 1000)
    assert counted[4] == {b"%d" % number: 3 for number in range(40)}


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ({"event": {"time": "2020-01-01T00:00:00"}, "time": "2026-03-02T08:15:27.5Z"}, "2026-03-02T08:15:27.5+00:00"),
        ({"event": '{"time": "2020-01-01T00:00:00"}', "time": "2026-03-02T08:15:27Z"}, "2026-03-02T08:15:27+00:00"),
        ({"time": "2026-03-02T08:15:27+02:00", "page": "x"}, "2026-03-02T06:15:27+00:00"),
        ({"time": "2026-03-02T08:15:27", "other": {"time": 12}}, "2026-03-02T08:15:27+00:00"),
        ({"time": None}, None),
        ({"time": "1969-12-31T23:59:59Z"}, None),
    ],
)  # fmt: skip
def test_time_of_a_line_is_its_last_time(line, time):
    first, last, untimed, *_ = _speedups.scan_lines(json.dumps(line).encode(), 0)
    assert first == last
    assert untimed == (time is None)
    if time:
        assert datetime.fromtimestamp(first / 1e6, UTC) == datetime.fromisoformat(time)
