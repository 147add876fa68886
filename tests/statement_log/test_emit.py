from __future__ import annotations

import logging
import logging.handlers
import queue
import time

import pytest

from log_replay.records import Position
from log_replay.statement_log import FileHandler, LineLimit, RawFormatter, flush_statements, log_statements
from tests.support.logged_events import event, events, statement, texts


class Collector(logging.Handler):
    def __init__(self, level=logging.NOTSET):
        super().__init__(level)
        self.records = []

    def emit(self, record):
        self.records.append(record)


def test_each_statement_is_one_record_with_its_text_as_message(log_through):
    handler = log_through(Collector())
    logged = [event(statement(response="100 %s"), statement()), event(statement(), offset=9)]

    assert log_statements("xapi", logged) == 3

    assert [record.getMessage().encode() for record in handler.records] == texts(logged)
    assert {(record.name, record.levelname) for record in handler.records} == {("xapi_tracking", "INFO")}


def test_records_have_the_attributes_of_their_source(log_through):
    handler = log_through(Collector())
    made = statement()

    log_statements("caliper", [event(made, offset=9, name="seek_video")])

    (record,) = handler.records
    assert (record.event_name, record.source_object, record.source_offset) == ("seek_video", "tracking.log", 9)
    assert (record.statement_id, record.statement_bytes) == (made.id, made.text)


def test_records_come_from_the_processs_record_factory(log_through):
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


def test_records_pass_through_a_queue_handler(log_through):
    waiting = queue.SimpleQueue()
    log_through(logging.handlers.QueueHandler(waiting))
    logged = events(2)

    log_statements("xapi", logged)

    assert [waiting.get().getMessage().encode() for _ in logged] == texts(logged)


def test_logger_filters_apply(log_through):
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
    ids=["unchanged", "with a filter", "other formatter", "other handler"],
)
def test_customised_handlers_get_every_record(log_through, tmp_path, handler, formatter, filtered, expected):
    """Whole blocks are formatted only for unchanged handlers and formatters of this package."""
    installed = log_through(handler(tmp_path / "log"), formatter)
    if filtered:
        installed.addFilter(lambda _: False)
    logged = events(3)
    assert log_statements("xapi", logged) == 3
    lines = (tmp_path / "log").read_bytes().splitlines()
    assert lines == ([b"marked"] * 3 if isinstance(formatter, Marking) else texts(logged)[:expected])


@pytest.mark.parametrize("silence", ["no handler", "null handler", "handler's level", "logger's level", "disabled"])
def test_without_an_effective_handler_nothing_is_logged(silence, log_through):
    log_through(Collector(logging.WARNING if silence == "handler's level" else logging.NOTSET))
    logger = logging.getLogger("xapi_tracking")
    if silence == "no handler":
        logger.handlers = []
    if silence == "null handler":
        logger.handlers = [logging.NullHandler()]
    if silence == "logger's level":
        logger.setLevel(logging.WARNING)
    logger.disabled = silence == "disabled"

    assert log_statements("xapi", iter(["not read"])) == 0


def test_records_propagate_to_the_root_loggers_handlers():
    handler = Collector()
    root = logging.getLogger()
    logger = logging.getLogger("xapi_tracking")
    logger.handlers, logger.propagate = [], True
    logger.setLevel(logging.INFO)
    root.addHandler(handler)

    log_statements("xapi", events(1))

    assert len(handler.records) == 1


def test_logging_a_statement_takes_less_than_20_microseconds(log_through):
    class Nothing(logging.Handler):
        def emit(self, record):
            pass

    log_through(Nothing())
    logged = events(2000)

    best = min(_cpu_seconds(lambda: log_statements("xapi", logged)) for _ in range(5))

    # Making a statement takes at least 25 us; logging it takes 2 us on an idle machine.
    assert best / len(logged) < 20e-6


def _cpu_seconds(do):
    started = time.process_time()
    do()
    return time.process_time() - started


def test_other_handlers_count_as_having_lost_nothing(log_through):
    log_through(Collector())

    assert flush_statements("xapi") == 0


def test_line_limit_counts_longer_lines_including_the_prefix(log_through):
    log_through(Collector(), logging.Formatter("12345 %(message)s"))
    limit = LineLimit(max_line_bytes=1000)
    short, exact, over = (statement(b"{" + b"x" * (size - 2) + b"}") for size in (900, 994, 995))

    count = log_statements("xapi", [event(short), event(exact, over, offset=5), event(over, offset=7)], limit)

    assert count == 4
    assert limit.over == 2
    assert limit.first == [Position("tracking.log", 5), Position("tracking.log", 7)]


def test_line_limit_counts_bytes_not_characters(log_through):
    log_through(Collector())
    limit = LineLimit(max_line_bytes=1000)

    log_statements("xapi", [event(statement(('{"a":"' + "é" * 600 + '"}').encode()))], limit)

    assert limit.over == 1


def test_line_limit_counts_u_fffd_as_its_escape(log_through):
    log_through(Collector(), RawFormatter())
    limit = LineLimit(max_line_bytes=4000)

    log_statements("xapi", [event(statement(('{"a":"' + "\ufffd" * 700 + '"}').encode()))], limit)

    assert limit.over == 1


def test_line_limit_keeps_only_the_first_positions(log_through):
    log_through(Collector())
    limit = LineLimit(max_line_bytes=10)

    log_statements("xapi", events(50), limit)

    assert limit.over == 50
    assert len(limit.first) == 10
