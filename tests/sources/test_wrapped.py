"""Lines in the wrappers of Vector, of Docker's json-file and of exports of ``_tracking`` are unwrapped."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_replay.errors import ConfigurationError
from log_replay.sources import open_source
from log_replay.sources.wrapped import unwrapped


def vector(line):
    return json.dumps({"host": "a", "message": line, "source_type": "docker_logs"})


def docker(line):
    return json.dumps({"log": line + "\n", "stream": "stderr", "time": "2026-03-01T00:00:00Z"})


def split_by_docker(line):
    return "\n".join(json.dumps({"log": part, "stream": "stdout"}) for part in (line[:5], line[5:9], line[9:] + "\n"))


def tracking_row(line):
    return json.dumps({"time": "2026-03-01 00:00:00", "message": line})


def as_it_is(line):
    return line


WRAPPERS = [vector, docker, split_by_docker, tracking_row, as_it_is]
LINE = st.builds(
    lambda event, prefix: prefix + json.dumps({"name": "play_video", "event_type": "play_video", "event": event}),
    st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=2),
    st.sampled_from(["", "2026-03-01 00:00:00,000 INFO 7 [tracking] [user 3] logger.py:41 - "]),
)


@given(lines=st.lists(st.tuples(LINE, st.sampled_from(WRAPPERS)), max_size=8), size=st.integers(1, 200))
def test_lines_are_what_was_wrapped(lines, size):
    data = "".join(wrap(line) + "\n" for line, wrap in lines).encode()
    chunks = (data[begin : begin + size] for begin in range(0, len(data), size))
    assert b"".join(unwrapped(chunks)).decode() == "".join(f"{line}\n" for line, _ in lines)


@pytest.mark.parametrize("wrap", WRAPPERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(start=st.integers(0, 400_000), length=st.none() | st.integers(0, 400_000))
def test_ranges_are_those_of_the_unwrapped_lines(tmp_path, sample_log, wrap, start, length):
    lines = sample_log.decode("utf-8", "replace").splitlines(keepends=False)
    plain = "".join(f"{line}\n" for line in lines if line).encode()
    (tmp_path / "logs").mkdir(exist_ok=True)
    path = tmp_path / "logs" / "tracking.log"
    if not path.exists():
        path.write_text("".join(wrap(line) + "\n" for line in lines if line))
    source = open_source("LOCAL", {"key": str(tmp_path), "container": "logs", "unwrap": True})
    (obj,) = source.objects()
    end = None if length is None else start + length
    assert source.is_compressed(obj)
    assert b"".join(source.read(obj, start, end)) == plain[start:end]


def test_an_unfinished_last_line_is_kept():
    assert b"".join(unwrapped([b'{"message": "a"}\n{"message": "b"}'])) == b"a\nb"
    assert b"".join(unwrapped([b'{"log": "a", "stream": "x"}'])) == b"a"


def test_unwrap_must_be_true_or_false(tmp_path):
    with pytest.raises(ConfigurationError, match="unwrap must be true or false"):
        open_source("LOCAL", {"key": str(tmp_path), "container": "logs", "unwrap": "yes"})
