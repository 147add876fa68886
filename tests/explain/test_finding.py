"""A line is found by its offset in the decompressed text, and a wrong offset says which line holds it."""

from __future__ import annotations

import bz2
import gzip
import lzma

import pytest

from log_replay.errors import ConfigurationError
from log_replay.explain.finding import WINDOW_BYTES, find_line
from log_replay.sources import open_source

PACKED = {"a.log": bytes, "a.log.gz": gzip.compress, "a.log.bz2": bz2.compress, "a.log.xz": lzma.compress}


@pytest.fixture(params=PACKED)
def place(request, tmp_path):
    """Return a function that writes a text as an object, and returns its source and name."""

    def written(text):
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / request.param).write_bytes(PACKED[request.param](text))
        return open_source("LOCAL", {"key": str(tmp_path), "container": "logs"}), request.param

    return written


def test_every_line_is_found_at_its_offset(place, sample_log):
    source, name = place(sample_log)
    offset = 0
    for number, text in enumerate(sample_log.split(b"\n")[:-1]):
        if number % 40 == 0:
            assert find_line(source, name, offset) == ((name, offset), text)
        offset += len(text) + 1


def test_an_offset_within_a_line_names_the_line(place, sample_log):
    source, name = place(sample_log)
    begin = sample_log.index(b"\n", 100_000) + 1
    with pytest.raises(ConfigurationError, match=f"no line begins at this offset .*{name}:{begin}"):
        find_line(source, name, begin + 5)
    with pytest.raises(ConfigurationError, match=f"{name}:0"):
        find_line(source, name, 3)


def test_the_beginning_of_a_long_line_is_found(place):
    line = b'{"event": "' + b"x" * (5 * WINDOW_BYTES) + b'"}'
    source, name = place(b"first\n" + line + b"\nlast")
    assert find_line(source, name, 6).text == line
    with pytest.raises(ConfigurationError, match=f"{name}:6"):
        find_line(source, name, 4 * WINDOW_BYTES)
    assert find_line(source, name, 6 + len(line) + 1).text == b"last"


def test_a_line_that_is_too_long_has_no_text(place):
    source, name = place(b"first\n" + b"x" * (17 << 20) + b"\nlast")
    assert find_line(source, name, 6).text is None


@pytest.mark.parametrize("beyond", [0, 1, 1_000_000])
def test_an_offset_beyond_the_end_is_refused(place, beyond):
    source, name = place(b"one\ntwo\n")
    with pytest.raises(ConfigurationError, match="ends"):
        find_line(source, name, 8 + beyond)


@pytest.mark.parametrize("name", ["a.log", "a.log.gz"])
def test_lines_are_found_in_an_object_store(s3, sample_log, name):
    s3.write(name, PACKED[name](sample_log))
    source = open_source("MINIO", s3.config)
    begin = sample_log.index(b"\n", 100_000) + 1
    assert find_line(source, name, begin).text == sample_log[begin:].partition(b"\n")[0]
    for wrong in (begin + 5, len(sample_log) + 5):
        with pytest.raises(ConfigurationError):
            find_line(source, name, wrong)


def test_an_object_that_is_not_there_names_others(place):
    source, name = place(b"one\n")
    with pytest.raises(ConfigurationError, match=f"no object of this name .*{name}"):
        find_line(source, "other.log", 0)
