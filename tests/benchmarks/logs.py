"""``python -m tests.benchmarks.logs``: the formatters and handlers of this package, compared with a StreamHandler.

The column *plain* is ``logger.info(text)`` with a ``logging.StreamHandler`` on the same kind of target. Each figure is
the minimum over several rounds of this process's CPU time; the candidates take turns. In the plain case, two thirds of
the time find the caller, the thread and the process of each record, and most of the rest is one write and one flush for
each record. A block of statements does each of these once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from log_replay.records import Position, Statement, TransformedEvent
from log_replay.statement_log import (
    AspectsFormatter,
    FileHandler,
    JsonFormatter,
    RawFormatter,
    SocketHandler,
    StdoutHandler,
    flush_statements,
    log_statements,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 7
BLOCK = 1000
BLOCKS = 5
NAMES = ("edx.ui.lms.link_clicked", "problem_check", "play_video", "seek_video")
FORMATTERS = {"raw": RawFormatter, "json": JsonFormatter, "aspects": AspectsFormatter}
AT_LEAST = {"raw": 1.5, "json": 1.0, "aspects": 1.0}
HEAD = ("us per statement", "plain", "raw", "json", "aspects", "plain/raw", "plain/json", "plain/aspects")


def main() -> None:
    show(HEAD)
    events = [event(number) for number in range(BLOCK)]
    for name, target in (("file", file), ("pipe", pipe), ("tcp", tcp)):
        bench(name, target, events)
    show(("", "", "", "", "at least", *(f"{least:.1f}" for least in AT_LEAST.values())))
    silent = log_through(logging.NullHandler())
    sys.stdout.write(f"\nwithout a handler: {best({'silent': block(events)})['silent']:.3f} us\n")
    silent.close()


def bench(name: str, target: Callable[..., contextlib.AbstractContextManager], events: list[TransformedEvent]) -> None:
    with contextlib.ExitStack() as targets:
        candidates = {"plain": plain(targets.enter_context(target(None)), events)}
        for format_name, formatter in FORMATTERS.items():
            handler = targets.enter_context(target(formatter))
            candidates[format_name] = block(events, handler)
        took = best(candidates)
    ratios = [took["plain"] / took[format_name] for format_name in FORMATTERS]
    show((name, *(f"{seconds:.2f}" for seconds in took.values()), *(f"{ratio:.1f}" for ratio in ratios)))


def best(candidates: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return each candidate's minimum CPU time in microseconds per statement."""
    took = dict.fromkeys(candidates, float("inf"))
    for _ in range(ROUNDS):
        for name, run in candidates.items():
            started = time.process_time()
            for _ in range(BLOCKS):
                run()
            took[name] = min(took[name], (time.process_time() - started) / BLOCKS / BLOCK * 1e6)
    return took


def plain(handler: logging.Handler, events: list[TransformedEvent]) -> Callable[[], None]:
    logger = logging.getLogger("plain")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    texts = [statement.text.decode() for transformed in events for statement in transformed.statements]

    def run() -> None:
        for text in texts:
            logger.info(text)

    return run


def block(events: list[TransformedEvent], handler: logging.Handler | None = None) -> Callable[[], None]:
    def run() -> None:
        if handler:
            log_through(handler)
        log_statements("xapi", events)
        flush_statements("xapi")

    return run


def log_through(handler: logging.Handler) -> logging.Handler:
    logger = logging.getLogger("xapi_tracking")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    return handler


@contextlib.contextmanager
def file(formatter: type[logging.Formatter] | None) -> Iterator[logging.Handler]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "statements.log"
        handler = FileHandler(path) if formatter else logging.FileHandler(path)
        yield formatted(handler, formatter)
        handler.close()


@contextlib.contextmanager
def pipe(formatter: type[logging.Formatter] | None) -> Iterator[logging.Handler]:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:
        fd = os.dup(reader.stdin.fileno())
        with os.fdopen(fd, "w", encoding="utf-8") as stream:
            handler = StdoutHandler(fd) if formatter else logging.StreamHandler(stream)
            yield formatted(handler, formatter)


@contextlib.contextmanager
def tcp(formatter: type[logging.Formatter] | None) -> Iterator[logging.Handler]:
    script = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)\n"
        "while True:\n  c, _ = s.accept()\n  while c.recv(1 << 20): pass\n  c.close()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as listener:
        port = int(listener.stdout.readline())
        if formatter:
            yield formatted(handler := SocketHandler(f"tcp://127.0.0.1:{port}"), formatter)
            handler.close()
        else:
            import socket

            with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("w") as stream:
                yield logging.StreamHandler(stream)
        listener.terminate()


def formatted(handler: logging.Handler, formatter: type[logging.Formatter] | None) -> logging.Handler:
    if formatter:
        handler.setFormatter(formatter())
    return handler


def event(number: int) -> TransformedEvent:
    """Make an event with a statement of the usual size: 1.3 KB."""
    identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, str(number)))
    text = f'{{"id":"{identifier}","timestamp":"2023-04-05T06:07:08.123456+00:00","text":"{"x" * 1180}"}}'
    statement = Statement(identifier, "2023-04-05T06:07:08.123456+00:00", text.encode())
    return TransformedEvent(
        Position("tracking.log-20230405.gz", 1300 * number), NAMES[number % len(NAMES)], (statement,)
    )


def show(columns: tuple[str, ...]) -> None:
    sys.stdout.write(f"{columns[0]:<20}" + "".join(f"{column:>15}" for column in columns[1:]) + "\n")


if __name__ == "__main__":
    main()
