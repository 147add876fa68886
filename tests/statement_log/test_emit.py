from __future__ import annotations

import logging
import logging.handlers
import queue
import time

import pytest

from log_replay.records import Position
from log_replay.statement_log import FileHandler, LineLimit, RawFormatter, log_statements, settle_statements
from tests.support.logged_events import event, events, statement, texts


class Collector(logging.Handler):
    def __init__(self, level=logging.NOTSET):
        super().__init__(level)
        self.records = []

    def emit(self, record):
        self.records.append(record)


def test_one_record_a_statement_with_its_text_as_the_message(log_through):
    handler = log_through(Collector())
    logged = [event(statement(response="100 %s"), statement()), event(statement(), offset=9)]

    assert log_statements("xapi", logged) == 3

    assert [record.getMessage().encode() for record in handler.records] == texts(logged)
    assert {(record.name, record.levelname) for record in handler.records} == {("xapi_tracking", "INFO")}


def test_records_say_where_they_come_from(log_through):
    handler = log_through(Collector())
    made = statement()

    log_statements("caliper", [event(made, offset=9, name="seek_video")])

    (record,) = handler.records
    assert (record.event_name, record.source_object, record.source_offset) == ("seek_video", "tracking.log", 9)
    assert (record.statement_id, record.statement_bytes) == (made.id, made.text)


def test_records_are_what_the_process_makes_of_records(log_through):
    class Marked(logging.LogRecord):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.trace = "t"

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Marked)
    try:
        handler = log_through(Collector())
        log_statements("xapi", events(2))
    finally:
        logging.setLogRecordFactory(before)

    assert [(type(record), record.trace) for record in handler.records] == [(Marked, "t")] * 2


def test_records_pass_through_a_queue(log_through):
    waiting = queue.SimpleQueue()
    log_through(logging.handlers.QueueHandler(waiting))
    logged = events(2)

    log_statements("xapi", logged)

    assert [waiting.get().getMessage().encode() for _ in logged] == texts(logged)


def test_logger_filters_and_handler_levels_hold(log_through):
    handler = log_through(Collector())
    logged = events(3)
    logging.getLogger("xapi_tracking").addFilter(keep := lambda record: record.statement_bytes != texts(logged)[1])

    try:
        log_statements("xapi", logged)
    finally:
        logging.getLogger("xapi_tracking").removeFilter(keep)

    assert len(handler.records) == 2


class Marking(RawFormatter):
    def line(self, record):
        return b"marked"


class Dropping(FileHandler):
    def emit(self, record):
        pass


@pytest.mark.parametrize(
    ("handler", "formatter", "filtered", "expected"),
    [
        (FileHandler, RawFormatter(), False, 3),
        (FileHandler, RawFormatter(), True, 0),
        (FileHandler, Marking(), False, 3),
        (Dropping, RawFormatter(), False, 0),
    ],
    ids=["ours", "a filter", "another formatter", "another handler"],
)
def test_what_somebody_made_of_our_handlers_is_respected(log_through, tmp_path, handler, formatter, filtered, expected):
    """Blocks of lines are for handlers that are ours throughout."""
    installed = log_through(handler(tmp_path / "log"), formatter)
    if filtered:
        installed.addFilter(lambda _: False)
    logged = events(3)
    assert log_statements("xapi", logged) == 3
    lines = (tmp_path / "log").read_bytes().splitlines()
    assert lines == ([b"marked"] * 3 if isinstance(formatter, Marking) else texts(logged)[:expected])


@pytest.mark.parametrize("silence", ["no handler", "null handler", "handler's level", "logger's level", "disabled"])
def test_where_nothing_listens_nothing_is_done(silence, log_through):
    log_through(Collector(logging.WARNING if silence == "handler's level" else logging.NOTSET))
    logger = logging.getLogger("xapi_tracking")
    if silence == "no handler":
        logger.handlers = []
    if silence == "null handler":
        logger.handlers = [logging.NullHandler()]
    if silence == "logger's level":
        logger.setLevel(logging.WARNING)
    logger.disabled = silence == "disabled"

    assert log_statements("xapi", iter(["not even looked at"])) == 0


def test_a_propagating_logger_reaches_its_ancestors_handlers():
    handler = Collector()
    root = logging.getLogger()
    logger = logging.getLogger("xapi_tracking")
    logger.handlers, logger.propagate = [], True
    logger.setLevel(logging.INFO)
    root.addHandler(handler)

    log_statements("xapi", events(1))

    assert len(handler.records) == 1


def test_emitting_costs_little(log_through):
    class Nothing(logging.Handler):
        def emit(self, record):
            pass

    log_through(Nothing())
    logged = events(2000)

    best = min(_cpu_seconds(lambda: log_statements("xapi", logged)) for _ in range(5))

    # Making a statement costs 25 us at least; this is 2 us where nothing else runs.
    assert best / len(logged) < 20e-6


def _cpu_seconds(do):
    started = time.process_time()
    do()
    return time.process_time() - started


def test_nothing_is_lost_by_handlers_that_are_not_ours(log_through):
    log_through(Collector())

    assert settle_statements("xapi") == 0


def test_line_limit_counts_what_is_longer_with_its_prefix_and_names_the_first(log_through):
    log_through(Collector(), logging.Formatter("12345 %(message)s"))
    limit = LineLimit(max_line_bytes=1000)
    short, exact, over = (statement(b"{" + b"x" * (size - 2) + b"}") for size in (900, 994, 995))

    count = log_statements("xapi", [event(short), event(exact, over, offset=5), event(over, offset=7)], limit)

    assert count == 4
    assert limit.over == 2
    assert limit.first == [Position("tracking.log", 5), Position("tracking.log", 7)]


def test_line_limit_counts_bytes_and_not_characters(log_through):
    log_through(Collector())
    limit = LineLimit(max_line_bytes=1000)

    log_statements("xapi", [event(statement(('{"a":"' + "é" * 600 + '"}').encode()))], limit)

    assert limit.over == 1


def test_line_limit_names_only_a_few(log_through):
    log_through(Collector())
    limit = LineLimit(max_line_bytes=10)

    log_statements("xapi", events(50), limit)

    assert limit.over == 50
    assert len(limit.first) == 10
