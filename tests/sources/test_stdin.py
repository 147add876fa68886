"""Standard input of a real process."""

import gzip
import subprocess
import sys

import pytest

from log_replay.errors import ConfigurationError, ReadError
from log_replay.records import SourceObject
from log_replay.sources import open_source

LOG = b"".join(b'{"line": %d}\n' % number for number in range(300_000))

#: Script that reads all input and writes it to stdout, block by block.
ECHO = """
import sys
from log_replay.pipeline.lines import blocks
from log_replay.records import lines_of
from log_replay.sources import open_source
source = open_source("STDIN", {})
source.check()
(obj,) = source.objects()
for block in blocks(source.read(obj), object=obj.name):
    for line, _ in lines_of(block):
        sys.stdout.buffer.write(line + b"\\n")
    sys.stdout.flush()
"""


def echo(data):
    return subprocess.run([sys.executable, "-c", ECHO], input=data, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_all_input_is_read(compress):
    assert echo(compress(LOG)) == LOG


def test_empty_input_gives_no_line():
    assert echo(b"") == b""


def test_regular_file_as_stdin_is_read(tmp_path):
    (tmp_path / "log").write_bytes(LOG)
    with (tmp_path / "log").open("rb") as file:
        found = subprocess.run([sys.executable, "-c", ECHO], stdin=file, stdout=subprocess.PIPE, check=True).stdout
    assert found == LOG


def test_lines_of_a_slow_pipe_are_yielded_at_once():
    with subprocess.Popen([sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for line in (b"first line\n", b"second line\n"):
            process.stdin.write(line)
            process.stdin.flush()
            # The pipe is still open.
            assert process.stdout.readline() == line


def test_stdin_is_one_object_of_unknown_size():
    assert list(open_source("STDIN", {}).objects()) == [SourceObject("stdin")]


def test_stdin_cannot_be_resumed():
    with pytest.raises(ReadError, match="cannot be resumed") as caught:
        open_source("STDIN", {}).read(SourceObject("stdin"), 5)
    assert caught.value.offset == 5


def test_stdin_refuses_a_configuration():
    with pytest.raises(ConfigurationError, match="has no configuration"):
        open_source("STDIN", {"container": "logs"})


@pytest.mark.parametrize("closed", [True, False])
def test_check_reports_closed_stdin(monkeypatch, tmp_path, closed):
    (tmp_path / "log").touch()
    with (tmp_path / "log").open() as stream:
        pass
    monkeypatch.setattr(sys, "stdin", stream if closed else None)
    with pytest.raises(ConfigurationError, match="standard input is closed"):
        open_source("STDIN", {}).check()
