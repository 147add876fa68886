from __future__ import annotations

import json
import logging
import re
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log_replay.pipeline.workers.codec import pack_results, unpack_results
from log_replay.records import BlockResult
from log_replay.statement_log import AspectsFormatter, JsonFormatter, RawFormatter, log_statements
from log_replay.statement_log.formatters import statement_record
from tests.support.logged_events import event, statement

# The pattern of Aspects' Vector (tutor-contrib-aspects 6.1.0).
ASPECTS = re.compile(r"^.* \[xapi_tracking\] [^{}]* (?P<tracking_message>\{.*\})$")


class Collector(logging.Handler):
    """A handler that keeps the records and the formatted lines."""

    def __init__(self):
        super().__init__()
        self.lines = []
        self.records = []

    def emit(self, record):
        self.records.append(record)
        self.lines.append(self.format(record))


@pytest.fixture
def logged(log_through):
    """Return a function that logs events through a standard handler with a formatter, and returns the lines."""

    def log(formatter, *logged_events, transformer_type="xapi"):
        handler = log_through(Collector(), formatter)
        log_statements(transformer_type, logged_events)
        return handler.lines

    return log


def test_raw_line_is_the_statement_alone(logged):
    made = statement()

    assert logged(RawFormatter(), event(made)) == [made.text.decode()]


def test_aspects_line_is_the_lmss_line(logged):
    made = statement()

    (line,) = logged(AspectsFormatter(), event(made))

    assert ASPECTS.fullmatch(line)["tracking_message"] == made.text.decode()
    prefix = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO \d+ \[xapi_tracking\] \[user None\] \[ip None\] \w+\.py:\d+ - "
    assert re.fullmatch(prefix, line.removesuffix(made.text.decode()))


def test_json_envelope_contains_the_statements_source(logged):
    made = statement()

    (line,) = logged(JsonFormatter(), event(made, offset=1300, name="play_video"))

    envelope = json.loads(line)
    assert datetime.fromisoformat(envelope.pop("timestamp")).tzinfo
    assert envelope == {
        "logger": "xapi_tracking",
        "event": "play_video",
        "object": "tracking.log",
        "offset": 1300,
        "statement": json.loads(made.text),
    }
    assert f'"statement": {made.text.decode()}}}' in line


def test_json_envelope_differs_for_each_event_of_a_block(logged):
    lines = logged(JsonFormatter(), event(statement(), name="a"), event(statement(), statement(), offset=7, name="b"))

    assert [(json.loads(line)["event"], json.loads(line)["offset"]) for line in lines] == [("a", 0), ("b", 7), ("b", 7)]


def test_json_envelope_contains_static_fields(logged):
    (line,) = logged(JsonFormatter(static_fields={"site": "a {b}"}), event(statement()))

    assert json.loads(line)["site"] == "a {b}"


def test_caliper_uses_its_own_logger(logged):
    (line,) = logged(JsonFormatter(), event(statement()), transformer_type="caliper")

    assert json.loads(line)["logger"] == "caliper_tracking"


@pytest.mark.parametrize("formatter", [AspectsFormatter, JsonFormatter, RawFormatter])
def test_statements_logged_by_other_code_are_formatted(formatter, log_through):
    handler = log_through(Collector(), formatter())

    logging.getLogger("xapi_tracking").info('{"id": "%s"}\n')

    (line,) = handler.lines
    assert line.endswith(('{"id": "%s"}', '"offset": null, "statement": {"id": "%s"}}'))
    assert "\n" not in line


def test_json_envelope_of_a_message_that_is_not_a_statement(log_through):
    handler = log_through(Collector(), JsonFormatter())

    logging.getLogger("xapi_tracking").warning('a "b" %s', "c")

    assert json.loads(handler.lines[0])["message"] == 'a "b" c'


def unchanged(events):
    return events


def sent_by_a_worker(events):
    heads, texts = pack_results([BlockResult("tracking.log", 0, events=events)])
    (result,) = unpack_results(heads, [memoryview(b"".join(pieces)) for pieces in texts])
    return result.events


@pytest.mark.parametrize("transfer", [unchanged, sent_by_a_worker])
@pytest.mark.parametrize("formatter", [AspectsFormatter(), JsonFormatter(static_fields={"site": "a"}), RawFormatter()])
def test_a_blocks_lines_equal_those_of_its_records(formatter, transfer):
    template = logging.getLogger("xapi_tracking").makeRecord("xapi_tracking", 20, __file__, 1, "", (), None)
    for count in (7, 0):
        block = [event(statement(), statement(), offset=number, name=f"name {number % 3}") for number in range(count)]
        records = [statement_record(template, made, one) for made in block for one in made.statements]
        lines = [formatter.line(record) + b"\n" for record in records]
        assert formatter.block(template, transfer(block)) == b"".join(lines)


@pytest.mark.parametrize("formatter", [AspectsFormatter(), JsonFormatter(), RawFormatter()])
def test_the_replacement_character_is_written_as_an_escape(formatter):
    template = logging.getLogger("xapi_tracking").makeRecord("xapi_tracking", 20, __file__, 1, "", (), None)
    made = statement(response="a\ufffd\\\ufffd\uff0cb")
    assert "\ufffd".encode() in made.text

    for lines in (
        formatter.block(template, [event(made)]),
        formatter.line(statement_record(template, event(made), made)),
    ):
        assert "\ufffd".encode() not in lines
        decoded, _ = json.JSONDecoder().raw_decode(lines.decode(), lines.index(b'{"id"'))
        assert decoded == json.loads(made.text)


@settings(deadline=None)
@given(text=st.text(), name=st.text(), source=st.text())
def test_every_format_keeps_any_text(text, name, source):
    logger = logging.getLogger("xapi_tracking")
    handler = Collector()
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    made = statement(json.dumps({"text": text}).encode())
    log_statements("xapi", [event(made, name=name)._replace(position=(source, 5))])
    (record,) = handler.records

    assert RawFormatter().line(record) == made.text
    assert AspectsFormatter().line(record).partition(b" - ")[2] == made.text
    envelope = JsonFormatter().line(record)
    assert envelope.endswith(b', "offset": 5, "statement": ' + made.text + b"}")
    assert json.loads(envelope) | {"timestamp": None} == {
        "timestamp": None,
        "logger": "xapi_tracking",
        "event": name,
        "object": source,
        "offset": 5,
        "statement": {"text": text},
    }
    assert not any(b"\n" in line for line in (envelope, AspectsFormatter().line(record)))
