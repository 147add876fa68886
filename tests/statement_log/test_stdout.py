"""Lines on stdout stay whole, also on full, shared and closed pipes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from log_replay.errors import Stopped
from log_replay.statement_log import RawFormatter, StdoutHandler, log_statements
from tests.support.logged_events import event, events, statement, texts


def read_slowly(fd, into, pause=0.0005):
    while data := os.read(fd, 3000):
        into.append(data)
        time.sleep(pause)


@pytest.mark.parametrize("blocking", [True, False])
def test_a_block_passes_a_full_pipe_whole_and_in_order(log_through, pipe, blocking):
    reader, writer = pipe
    os.set_blocking(writer, blocking)
    log_through(StdoutHandler(writer), RawFormatter())
    logged = events(300, response="x" * 3000)
    received = []
    thread = threading.Thread(target=read_slowly, args=(reader, received))
    thread.start()

    log_statements("xapi", logged)

    os.close(writer)
    thread.join()
    assert b"".join(received) == b"".join(text + b"\n" for text in texts(logged))


def test_records_outside_a_block_are_written_at_once(log_through, pipe):
    reader, writer = pipe
    log_through(StdoutHandler(writer), RawFormatter())

    logging.getLogger("xapi_tracking").info('{"a": 1}')

    assert os.read(reader, 100) == b'{"a": 1}\n'


def test_a_closed_pipe_stops_the_run(log_through, pipe):
    reader, writer = pipe
    log_through(StdoutHandler(writer), RawFormatter())
    os.close(reader)

    with pytest.raises(Stopped):
        log_statements("xapi", events(1))


def test_a_closed_pipe_is_a_logging_error_outside_a_block(log_through, pipe, monkeypatch):
    reader, writer = pipe
    handler = log_through(StdoutHandler(writer), RawFormatter())
    os.close(reader)
    failures = []
    monkeypatch.setattr(handler, "handleError", failures.append)

    logging.getLogger("xapi_tracking").info('{"a": 1}')

    assert len(failures) == 1


def test_a_failed_block_leaves_nothing_in_the_buffer(log_through, pipe):
    reader, writer = pipe
    log_through(StdoutHandler(writer), RawFormatter())

    def failing():
        yield event(statement())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log_statements("xapi", failing())
    logged = events(1)
    log_statements("xapi", logged)

    assert os.read(reader, 10_000) == texts(logged)[0] + b"\n"


def test_an_interrupted_line_is_ended_before_the_next_line(log_through, pipe):
    reader, writer = pipe
    handler = log_through(StdoutHandler(writer), RawFormatter())
    interrupted = events(1, response="x" * 200_000)

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            log_statements("xapi", interrupted)
    finally:
        signal.signal(signal.SIGALRM, before)
    received = [os.read(reader, 200_000)]
    logged = events(2)
    log_statements("xapi", logged)
    handler.close()
    os.close(writer)
    read_slowly(reader, received)

    incomplete, *lines = b"".join(received).split(b"\n")
    assert texts(interrupted)[0].startswith(incomplete)
    assert lines == [*texts(logged), b""]


def test_statements_go_to_a_captured_stdout(log_through, capsys):
    log_through(StdoutHandler(), RawFormatter())
    logged = events(2)

    log_statements("xapi", logged)

    assert capsys.readouterr().out.encode().splitlines() == texts(logged)


PROGRAM = """
import os, sys
from log_replay.statement_log import log_statements, statements_to
from log_replay.errors import LogReplayError
from log_replay.records import Position, Statement, TransformedEvent
size = int(sys.argv[1])
text = b'{"id":"' + sys.argv[2].encode() * size + b'"}'
events = [TransformedEvent(Position("o", 0), "n", (Statement("i", "t", text),))] * 20
try:
    with statements_to("stdout", "raw"):
        for _ in range(int(sys.argv[3])):
            log_statements("xapi", events)
except LogReplayError as error:
    print(type(error).__name__, error, file=sys.stderr)
    sys.exit(1)
"""


def program(*arguments, **options):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(PROGRAM), *map(str, arguments)], **options)


def test_lines_of_two_processes_on_one_pipe_stay_whole():
    reader, writer = os.pipe()
    processes = [program(20_000, letter, 10, stdout=writer) for letter in "ab"]
    os.close(writer)
    received = []
    read_slowly(reader, received, pause=0)
    os.close(reader)

    assert [process.wait(30) for process in processes] == [0, 0]
    lines = b"".join(received).split(b"\n")[:-1]
    assert len(lines) == 400
    assert set(lines) == {b'{"id":"' + letter * 20_000 + b'"}' for letter in (b"a", b"b")}


def test_a_closed_pipe_ends_the_program_without_a_traceback():
    process = program(1000, "a", 1000, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(5000)
    process.stdout.close()

    assert process.wait(30) == 1
    assert process.stderr.read() == b"Stopped write stdout: the reader has closed it\n"
    process.stderr.close()


def test_a_closed_stdout_stops_the_program():
    command = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-c", PROGRAM, "10", "a", "1"]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (1, "Stopped write stdout: it is closed\n")


def test_a_full_disk_stops_the_program():
    with Path("/dev/full").open("wb") as full:
        process = program(1000, "a", 10, stdout=full, stderr=subprocess.PIPE)

        assert process.wait(30) == 1
    assert process.stderr.read() == b"Stopped write stdout: No space left on device\n"
    process.stderr.close()
