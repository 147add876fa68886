from __future__ import annotations

import io
import json
import logging

import structlog

from log_replay.statement_log import configure_own_log


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_json_lines_where_nobody_watches():
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


def test_readable_on_a_terminal():
    stream = Terminal()
    configure_own_log(stream)

    structlog.get_logger("log_replay.pipeline.run").info("listed", objects=3)

    assert "listed" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_loggers_of_the_standard_library_are_shown_alike():
    stream = io.StringIO()
    configure_own_log(stream)

    logging.getLogger("log_replay.sources").info("read %s", "a.log")

    assert json.loads(stream.getvalue())["event"] == "read a.log"


def test_errors_are_shown_with_their_traceback():
    stream = io.StringIO()
    configure_own_log(stream)

    try:
        int("why")
    except ValueError:
        structlog.get_logger("log_replay.pipeline.run").exception("failed")

    assert "ValueError: invalid" in json.loads(stream.getvalue())["exception"]


def test_lower_levels_are_left_out():
    stream = io.StringIO()
    configure_own_log(stream, level="WARNING")

    structlog.get_logger("log_replay.pipeline.run").info("listed")

    assert stream.getvalue() == ""


def test_never_on_stdout_and_other_loggers_untouched(capsys):
    configure_own_log()
    configure_own_log()

    structlog.get_logger("log_replay.pipeline.run").info("listed")
    logging.getLogger("somebody").info("else")

    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
