"""Deadlines of requests to a server that responds, but too slowly."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from log_replay.errors import DestinationNotResponding
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs import endpoint
from log_replay.sinks.lrs.routes import Route
from log_replay.sinks.lrs.settings import LrsSettings
from log_replay.sinks.lrs.sink import LrsSink
from tests.support.statement_batches import batch_of

TIMEOUT_SECONDS = 1.0
#: The deadline of a request, as a multiple of the timeout.
DEADLINE = 2


class DrippingServer:
    """A server that reads the request and then sends one byte at a time, each before the timeout.

    Args:
        first: the bytes to send at once.
        repeated: the bytes to send again and again.
        pause_seconds: the pause after each thousand bytes of the request.
    """

    def __init__(self, first: bytes, repeated: bytes, pause_seconds: float = 0) -> None:
        self._first, self._repeated, self._pause_seconds = first, repeated, pause_seconds
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/xAPI"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listening.accept()
            with connection:
                connection.settimeout(TIMEOUT_SECONDS / 10)
                with contextlib.suppress(TimeoutError):
                    while connection.recv(1000) and not self._over.wait(self._pause_seconds):
                        pass
                connection.sendall(self._first)
                while not self._over.wait(TIMEOUT_SECONDS / 20):
                    connection.sendall(self._repeated)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._listening.close()
        self._thread.join()


@pytest.fixture(autouse=True)
def _short_deadline(monkeypatch):
    monkeypatch.setattr(endpoint, "REQUEST_TIMEOUTS", DEADLINE)


def sink_of(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> LrsSink:
    settings = LrsSettings(timeout_seconds=timeout_seconds)
    return LrsSink([Route(url)], transformer_type="xapi", settings=settings, retry_policy=RetryPolicy(retries=0))


@pytest.mark.parametrize(
    ("first", "repeated"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Header: ", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[", b" "),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["status", "header", "body", "body to the end", "chunks"],
)
def test_slow_response_ends_at_the_deadline(first, repeated):
    with DrippingServer(first, repeated) as server:
        started = time.monotonic()
        with pytest.raises(DestinationNotResponding, match=r"no answer in time|the connection broke"):
            sink_of(server.url).deliver(batch_of(1))
        assert 0.9 * DEADLINE * TIMEOUT_SECONDS < time.monotonic() - started < 60


def test_slow_upload_ends_at_the_deadline():
    with DrippingServer(b"", b"", pause_seconds=TIMEOUT_SECONDS / 10) as server:
        started = time.monotonic()
        with pytest.raises(DestinationNotResponding):
            sink_of(server.url).deliver(batch_of(20_000))
        assert time.monotonic() - started < 60


def test_large_batch_arrives_complete(server):
    batch = batch_of(3000)
    assert sink_of(server.url, timeout_seconds=60).deliver(batch).delivered == 3000
    assert len(server.posted[0].body) > 1_000_000
