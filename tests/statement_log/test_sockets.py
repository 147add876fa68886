"""Every statement arrives at the listener or is counted as lost, also when the listener fails."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from log_replay.errors import ConfigurationError, DestinationNotResponding
from log_replay.statement_log import RawFormatter, SocketHandler, flush_statements, log_statements, waiting
from log_replay.statement_log.connection import parse_address
from tests.support.listeners import Listener
from tests.support.logged_events import events, texts
from tests.support.servers import free_port


def log_blocks(logged, size=10):
    for start in range(0, len(logged), size):
        log_statements("xapi", logged[start : start + size])


@pytest.fixture(params=["tcp", "unix"])
def address(request, tmp_path):
    """An address for a listener, on TCP and on a Unix socket."""
    return ("127.0.0.1", 0) if request.param == "tcp" else str(tmp_path / "s")


def test_flushed_statements_were_read_in_order(address, log_through):
    logged = events(500, response="x" * 500)
    with Listener(address) as listener:
        log_through(SocketHandler(listener.url), RawFormatter())

        log_blocks(logged)

        assert flush_statements("xapi") == 0
        assert listener.lines == texts(logged)


def test_a_block_after_a_flush_uses_a_new_connection(address, log_through):
    logged = events(20)
    with Listener(address) as listener:
        log_through(SocketHandler(listener.url), RawFormatter())
        for part in (logged[:10], logged[10:]):
            log_statements("xapi", part)
            flush_statements("xapi")

        assert listener.lines == texts(logged)
        assert len(listener.received) == 2


def test_a_full_buffer_is_confirmed_before_more_is_sent(address, log_through):
    logged = events(300, response="x" * 500)
    with Listener(address) as listener:
        log_through(SocketHandler(listener.url, buffer_bytes=20_000), RawFormatter())

        log_blocks(logged)
        flush_statements("xapi")

        assert listener.lines == texts(logged)


@pytest.mark.parametrize("killed_after", [1, 5_000, 100_000])
def test_killed_and_restarted_listeners_get_every_statement(killed_after, log_through):
    logged = events(400, response="x" * 1000)
    first = Listener(fail_after=killed_after)
    log_through(SocketHandler(first.url), RawFormatter())
    log_blocks(logged[:200])
    first.stop()
    with Listener(first.address) as second:
        log_blocks(logged[200:])

        assert flush_statements("xapi") == 0
        assert set(first.lines) | set(second.lines) == set(texts(logged))


def test_stopped_and_restarted_listeners_get_every_statement(log_through):
    logged = events(40)
    first = Listener()
    log_through(SocketHandler(first.url), RawFormatter())
    log_blocks(logged[:20])
    first.stop()
    with Listener(first.address) as second:
        log_blocks(logged[20:])
        flush_statements("xapi")

        assert set(first.lines) | set(second.lines) == set(texts(logged))


def test_a_listener_that_ends_first_has_not_confirmed(address, log_through):
    logged = events(20)
    first = Listener(address, ends_first=True)
    log_through(SocketHandler(first.url), RawFormatter())
    log_blocks(logged)
    assert first.ended.wait(60)
    run = threading.Thread(target=lambda: flush_statements("xapi"))
    run.start()
    first.stop()
    if isinstance(first.address, str):
        Path(first.address).unlink()

    with Listener(first.address) as second:
        run.join(60)

        assert not run.is_alive()
        assert second.lines == texts(logged)


def test_block_waits_until_the_listener_is_available(log_through):
    logged = events(30, response="x" * 1000)
    placeholder = Listener()
    placeholder.stop()
    log_through(SocketHandler(placeholder.url, buffer_bytes=5000), RawFormatter())
    run = threading.Thread(target=lambda: (log_blocks(logged), flush_statements("xapi")))
    run.start()
    time.sleep(0.3)
    assert run.is_alive()

    with Listener(placeholder.address) as listener:
        run.join(60)

        assert not run.is_alive()
        assert listener.lines == texts(logged)


def test_count_counts_statements_without_a_listener(log_through):
    logged = events(100, response="x" * 1000)
    placeholder = Listener()
    placeholder.stop()
    options = {"buffer_bytes": 20_000, "on_full": "count", "timeout_seconds": 0.2}
    log_through(SocketHandler(placeholder.url, **options), RawFormatter())
    started = time.monotonic()

    log_blocks(logged)

    assert flush_statements("xapi") == 100
    assert flush_statements("xapi") == 0
    # A wait for each of the 80 statements would take 16 s.
    assert time.monotonic() - started < 10


def test_count_counts_exactly_the_statements_not_received(log_through):
    placeholder = Listener()
    placeholder.stop()
    options = {"buffer_bytes": 20_000, "on_full": "count", "timeout_seconds": 0.2}
    handler = log_through(SocketHandler(placeholder.url, **options), RawFormatter())
    log_blocks(events(50, response="x" * 1000))
    handler.timeout_seconds = 60
    with Listener(placeholder.address) as listener:
        logged = 50
        while not listener.received:
            log_statements("xapi", events(1, response="x" * 1000))
            logged += 1
            time.sleep(0.05)

        lost = flush_statements("xapi")

        assert 0 < lost < logged
        assert len(set(listener.lines)) + lost == logged


def test_count_counts_statements_that_are_not_read(log_through):
    logged = events(3000, response="x" * 4000)
    with Listener(reads=False) as listener:
        options = {"buffer_bytes": 9_000_000, "on_full": "count", "timeout_seconds": 0.3}
        log_through(SocketHandler(listener.url, **options), RawFormatter())

        log_blocks(logged, 1000)

        assert flush_statements("xapi") == 3000


def test_block_stops_the_run_after_the_timeout(log_through):
    placeholder = Listener()
    placeholder.stop()
    log_through(SocketHandler(placeholder.url, timeout_seconds=0.3), RawFormatter())
    log_statements("xapi", events(3))

    with pytest.raises(DestinationNotResponding, match=r"has not answered for 0.3 s .*--log_timeout_secs"):
        flush_statements("xapi")


def test_block_stops_the_run_with_a_full_buffer(log_through):
    placeholder = Listener()
    placeholder.stop()
    log_through(SocketHandler(placeholder.url, buffer_bytes=2000, timeout_seconds=0.3), RawFormatter())

    with pytest.raises(DestinationNotResponding):
        log_statements("xapi", events(30))


def test_block_stops_the_run_if_nothing_is_read(address, log_through):
    with Listener(address, reads=False) as listener:
        handler = log_through(SocketHandler(listener.url, timeout_seconds=0.3), RawFormatter())

        with pytest.raises(DestinationNotResponding):
            log_blocks(events(3000, response="x" * 4000), 1000)
        handler.discard()


def test_a_slow_listener_does_not_stop_the_run(address, log_through):
    logged = events(1200, response="x" * 3000)
    with Listener(address) as listener:
        log_through(SocketHandler(listener.url), RawFormatter())

        log_blocks(logged, 600)

        assert flush_statements("xapi") == 0
        assert listener.lines == texts(logged)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("tcp://nosuch.invalid:99", "unknown host"),
        ("tcp://127.0.0.1:{free_port}", "connection refused"),
        ("unix:{folder}/missing", "No such file or directory"),
        ("unix:{folder}/regular", "not a socket"),
    ],
)
def test_check_says_why_there_is_no_listener(address, reason, tmp_path):
    (tmp_path / "regular").write_text("")
    handler = SocketHandler(address.format(free_port=free_port(), folder=tmp_path))

    with pytest.raises(ConfigurationError, match=f"connect to .*{reason}.*start the listener before the run"):
        handler.check()


def test_a_checked_connection_is_used(address, log_through):
    with Listener(address) as listener:
        handler = log_through(SocketHandler(listener.url), RawFormatter())
        handler.check()
        logged = events(3)
        log_statements("xapi", logged)
        flush_statements("xapi")

        assert listener.lines == texts(logged)
        assert len(listener.received) == 1


def test_warnings_about_a_wait_follow_at_growing_intervals(monkeypatch):
    now = 0.0
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now)
    wait = waiting.Wait("tcp://vector:9009", 300)

    with capture_logs() as logs:
        while not wait.is_over:
            now += wait.step_seconds
            wait.warn_if_due()

    assert now == 300
    assert [entry["waited_seconds"] for entry in logs] == [1, 2, 4, 8, 16, 32, 64, 124, 184, 244]
    assert {(entry["log_level"], entry["at_most_seconds"]) for entry in logs} == {("warning", 300)}


def test_a_stopped_run_does_not_wait_for_the_listener(log_through):
    placeholder = Listener()
    placeholder.stop()
    handler = log_through(SocketHandler(placeholder.url), RawFormatter())
    log_blocks(events(3))
    started = time.monotonic()

    handler.discard()
    handler.close()

    # Closing waits 30 s if there is something to send.
    assert time.monotonic() - started < 20


def test_close_waits_only_until_the_timeout(log_through):
    placeholder = Listener()
    placeholder.stop()
    handler = log_through(SocketHandler(placeholder.url, timeout_seconds=0.3), RawFormatter())
    log_blocks(events(3))

    handler.close()

    assert handler.lost == 3


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("tcp://localhost:9009", ("localhost", 9009)),
        ("tcp://[::1]:9009", ("::1", 9009)),
        ("tcp://127.0.0.1:9009/", ("127.0.0.1", 9009)),
        ("unix:/run/a b.sock", "/run/a b.sock"),
    ],
)
def test_valid_addresses_are_parsed(address, target):
    assert parse_address(address) == target


@pytest.mark.parametrize(
    "address",
    [
        "tcp://localhost",
        "tcp://:9009",
        "tcp://h:99999",
        "tcp://h:x",
        "tcp://u@h:1",
        "tcp://h:1/p",
        "udp://h:1",
        "unix:",
        "",
    ],
)
def test_invalid_addresses_are_errors(address):
    with pytest.raises(ConfigurationError):
        parse_address(address)


def test_an_unknown_on_full_is_an_error():
    with pytest.raises(ConfigurationError, match="on_full 'drop'"):
        SocketHandler("tcp://localhost:1", on_full="drop")
