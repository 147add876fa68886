"""The scan of lines: in C as in Python."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.events import scanning
from tests.support.times import TIMES

pytestmark = pytest.mark.skipif(_speedups.scan_lines is None, reason="C extension not built: install a C compiler")

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
