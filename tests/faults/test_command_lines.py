"""Every command line of the table ends as it should: exit code, first line of stderr, files left, nothing private."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import shlex
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.faults.command_lines import LINES, Line
from tests.faults.wrong_values import SECRET
from tests.support.command_server import CommandServer
from tests.support.paths import ROOT

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: Control characters other than tabs and line ends; a carriage return would overwrite what precedes it.
CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")
#: A line of our own log that reports no error: text on a terminal, JSON elsewhere.
WARNING = re.compile(rb'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[(?:warning|info) *\]|^\{.*"level": ?"(?:warning|info)"')


#: A command that takes longer than this waits for something that never comes.
LONGEST_SECONDS = 60


class Commands:
    """Runs command lines in forked processes, or in a fresh one if the environment changes."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            **os.environ,
            "LOG_REPLAY_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings",
            "LOG_REPLAY_RETIRED_USER_SALTS": "sample-salt",
            "PYTHONPATH": str(ROOT),
        }
        self.server = CommandServer(self.environment)

    def __call__(self, line: Line, folder: Path, streams: dict[str, str | None]) -> int:
        arguments = shlex.split(line.arguments)
        if line.environment:
            return self._fresh(line, arguments, folder, streams)
        return self.server.run(arguments, folder, streams, limits=line.limits, longest_seconds=LONGEST_SECONDS)

    def _fresh(self, line: Line, arguments: list[str], folder: Path, streams: dict[str, str | None]) -> int:
        program = "from log_replay.management.main import main; main()"
        with (
            Path(streams["stdin"] or os.devnull).open("rb") as stdin,
            Path(streams["stdout"] or os.devnull).open("wb") as stdout,
            Path(streams["stderr"] or os.devnull).open("wb") as stderr,
        ):
            return subprocess.run(
                [sys.executable, "-c", program, *arguments],
                cwd=folder, env={**self.environment, **line.environment}, check=False,
                stdin=stdin, stdout=stdout, stderr=stderr,
            ).returncode  # fmt: skip


@pytest.fixture(scope="module")
def log_replay(tmp_path_factory):
    home = tmp_path_factory.mktemp("hunt") / "home"
    commands = Commands(home)
    prepared = tmp_path_factory.mktemp("prepared")
    loaded = commands(Line("", "load_identities sample", 0), prepared, _streams(prepared, Line("", "", 0)))
    assert loaded == 0, (prepared / "stderr").read_text()
    yield commands
    commands.server.close()


def _streams(folder: Path, line: Line) -> dict[str, str | None]:
    (folder / "stdin").write_bytes(line.stdin or b"")
    paths: dict[str, str | None] = {"stdin": None if line.stdin is None else str(folder / "stdin")}
    for name in ("stdout", "stderr"):
        given = getattr(line, name)
        paths[name] = str(folder / name) if given == "file" else given
        if given == "file":
            (folder / name).touch()
    return paths


def _odd_objects(folder: Path, log: bytes) -> None:
    packed = gzip.compress(log, 1)
    half = log[: log.index(b"\n", len(log) // 2) + 1]
    contents = {
        "truncated.log.gz": packed[: len(packed) // 2],
        "corrupt.log.gz": packed[:500] + b"\xff" * 40 + packed[540:],
        "utf16.log": log[:2000].decode(errors="replace").encode("utf-16"),
        "twice.log.gz": gzip.compress(packed),
        "corrupt.log.zst": zstd.compress(log)[:300] + b"\xff" * 100,
        "damaged.log.xz": lzma.compress(log)[:400],
        "good.log.xz": lzma.compress(log),
        "good.log.bz2": bz2.compress(log),
        "good.log.zst": zstd.compress(log),
        "two-members.log.gz": gzip.compress(half) + gzip.compress(log[len(half) :]),
        "empty.log": b"",
        "blank.log": b"\n\n  \n",
        "binary.log": bytes(range(256)) * 40,
        "no-line-end.log": log.rstrip(b"\n"),
        "crlf.log": log.replace(b"\n", b"\r\n"),
        "nul-bytes.log": log[:3000] + b"\0" * 5000 + b"\n" + log[:3000],
        "a long line.log": b'{"event": "' + b"x" * (17 << 20) + b'"}\n',
        "escape\x1b[31m.log": log,
        "two\nlines.log": log,
        "x[/red].log": log,
    }
    (folder / "x[").mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("tracking.log", log)
    os.mkfifo(folder / "fifo.log")
    (folder / "dangling.log").symlink_to(folder / "nothing")
    (folder / "outside.log").symlink_to("/etc/passwd")


@pytest.fixture
def folder(tmp_path, sample_log):
    """The working directory of each command: logs, odd objects, and files that must survive."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(sample_log)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "away").symlink_to("/tmp")
    (tmp_path / "precious.txt").write_bytes(b"years of work\n")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "strange.jsonl").write_bytes(
        b'{"object": "elsewhere.log", "offset": 0, "reason": "x", "event": null}\n'
    )
    (tmp_path / "link.json").symlink_to("target.json")
    (tmp_path / "empty.sqlite3").touch()
    (tmp_path / "damaged-home").mkdir()
    (tmp_path / "damaged-home" / "log-replay.sqlite3").write_bytes(b"this is no database " * 500)
    return tmp_path


def _files(folder: Path) -> dict[str, bytes | None]:
    """Return every file below a folder with its content; None for what is no regular file."""
    found: dict[str, bytes | None] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name in {"stdin", "stdout", "stderr"} or path.is_dir() or name.startswith(("odd/", "damaged-home/")):
            continue
        found[name] = path.read_bytes() if path.is_file() and not path.is_symlink() else None
    return found


def _said(output: bytes) -> str:
    """Return the first line of stderr that is no warning or progress."""
    lines = [line for line in output.splitlines() if line.strip() and not WARNING.match(line)]
    return lines[0].decode() if lines else ""


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_a_command_line_ends_as_it_should(log_replay, folder, sample_log, line):
    if "odd" in line.arguments:
        (folder / "odd").mkdir()
        _odd_objects(folder / "odd", sample_log)
    before = _files(folder)
    streams = _streams(folder, line)
    code = log_replay(line, folder, streams)
    outputs = {name: (folder / name).read_bytes() for name in ("stdout", "stderr") if (folder / name).exists()}
    said = outputs.get("stderr", b"")
    assert code == line.code, said.decode(errors="replace")
    for name, output in outputs.items():
        assert b"Traceback" not in output, name
        assert SECRET.encode() not in output, name
        assert not (name == "stderr" and CONTROL.search(output)), output
    if line.says is not None:
        assert re.search(line.says, _said(said) if code == 2 else said.decode()), said.decode()
    after = _files(folder)
    assert {name: after.get(name) for name in before} == before, "a file was changed or removed"
    new = [name for name in after if name not in before]
    assert [name for name in new if not any(fnmatch(name, pattern) for pattern in line.leaves)] == []


def test_the_table_is_long_enough():
    assert len(LINES) >= 150
    assert len({line.name for line in LINES}) == len(LINES)
