"""A server that is never done holds up nobody for longer than a request may take."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from log_replay.errors import DestinationNotResponding
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.routes import Route
from log_replay.sinks.lrs.settings import LrsSettings
from log_replay.sinks.lrs.sink import LrsSink
from tests.support.statement_batches import batch_of

#: So that a whole request may take two seconds.
SILENT_SECONDS = 0.2


class Dripping:
    """A server that sends a byte at a time, sooner than it could be called silent, after it has read what it is sent.

    Args:
        begins: what it says at once.
        goes_on: a byte that it says again and again.
        rests_seconds: how long it rests after each thousand bytes of the request.
    """

    def __init__(self, begins: bytes, goes_on: bytes, rests_seconds: float = 0) -> None:
        self._begins, self._goes_on, self._rests_seconds = begins, goes_on, rests_seconds
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/xAPI"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listening.accept()
            with connection:
                connection.settimeout(SILENT_SECONDS / 2)
                with contextlib.suppress(TimeoutError):
                    while connection.recv(1000) and not self._over.wait(self._rests_seconds):
                        pass
                connection.sendall(self._begins)
                while not self._over.wait(SILENT_SECONDS / 4):
                    connection.sendall(self._goes_on)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._listening.close()
        self._thread.join()


def sink_of(url: str) -> LrsSink:
    settings = LrsSettings(timeout_seconds=SILENT_SECONDS)
    return LrsSink([Route(url)], transformer_type="xapi", settings=settings, retry_policy=RetryPolicy(retries=0))


@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Header: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[", b" "),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["status", "header", "body", "body to the end", "chunks"],
)
def test_an_answer_that_drips_is_given_up(begins, goes_on):
    with Dripping(begins, goes_on) as server:
        began = time.monotonic()
        with pytest.raises(DestinationNotResponding, match=r"no answer in time|the connection broke"):
            sink_of(server.url).deliver(batch_of(1))
        assert 9 * SILENT_SECONDS < time.monotonic() - began < 30 * SILENT_SECONDS


def test_a_server_that_takes_a_little_at_a_time_is_given_up():
    with Dripping(b"", b"", rests_seconds=SILENT_SECONDS / 2) as server:
        began = time.monotonic()
        with pytest.raises(DestinationNotResponding):
            sink_of(server.url).deliver(batch_of(20_000))
        assert time.monotonic() - began < 40 * SILENT_SECONDS


def test_large_batches_arrive_whole(server):
    batch = batch_of(3000)
    assert sink_of(server.url).deliver(batch).delivered == 3000
    assert len(server.posted[0].body) > 1_000_000
