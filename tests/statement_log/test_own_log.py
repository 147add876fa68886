from __future__ import annotations

import io
import json
import logging

import structlog

from log_replay.statement_log import configure_own_log


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_writes_json_lines_unless_on_a_terminal():
    stream = io.StringIO()
    configure_own_log(stream)

    structlog.get_logger("log_replay.pipeline.run").warning("object not read to its end", offset=5)

    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "object not read to its end",
        "offset": 5,
        "logger": "log_replay.pipeline.run",
        "level": "warning",
    }


def test_writes_text_on_a_terminal():
    stream = Terminal()
    configure_own_log(stream)

    structlog.get_logger("log_replay.pipeline.run").info("listed", objects=3)

    assert "listed" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_standard_library_loggers_have_the_same_format():
    stream = io.StringIO()
    configure_own_log(stream)

    logging.getLogger("log_replay.sources").info("read %s", "a.log")

    assert json.loads(stream.getvalue())["event"] == "read a.log"


def test_exceptions_are_logged_with_their_traceback():
    stream = io.StringIO()
    configure_own_log(stream)

    try:
        int("why")
    except ValueError:
        structlog.get_logger("log_replay.pipeline.run").exception("failed")

    assert "ValueError: invalid" in json.loads(stream.getvalue())["exception"]


def test_records_below_the_level_are_not_logged():
    stream = io.StringIO()
    configure_own_log(stream, level="WARNING")

    structlog.get_logger("log_replay.pipeline.run").info("listed")

    assert stream.getvalue() == ""


def test_writes_nothing_to_stdout_and_keeps_other_loggers(capsys):
    configure_own_log()
    configure_own_log()

    structlog.get_logger("log_replay.pipeline.run").info("listed")
    logging.getLogger("other").info("else")

    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
