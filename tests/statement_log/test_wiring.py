from __future__ import annotations

import json
import logging
import logging.config

import pytest

from log_replay import statement_log
from log_replay.errors import ConfigurationError
from log_replay.statement_log import flush_statements, log_statements, statement_logging, statements_to
from tests.support.listeners import Listener
from tests.support.logged_events import events, texts

LOGGERS = [logging.getLogger(name) for name in statement_log.LOGGERS.values()]


def test_public_names_are_exactly_these():
    assert set(statement_log.__all__) == {
        "LINE_LIMITS",
        "LOGGERS",
        "AspectsFormatter",
        "FileHandler",
        "JsonFormatter",
        "LineLimit",
        "PrettyFormatter",
        "RawFormatter",
        "SocketHandler",
        "StdoutHandler",
        "configure_own_log",
        "flush_statements",
        "log_statements",
        "logged_line",
        "statement_logging",
        "statements_to",
    }
    assert all(hasattr(statement_log, name) for name in statement_log.__all__)


@pytest.fixture
def configured():
    """Return a function that applies a LOGGING dict, and close the handlers after the test."""
    yield logging.config.dictConfig
    for logger in LOGGERS:
        for handler in logger.handlers:
            handler.close()


def test_fragment_for_a_file_writes_both_loggers(configured, tmp_path):
    path = tmp_path / "statements.log"
    logged = events(2)

    configured(statement_logging(f"file:{path}", "raw", max_bytes=1_000_000))
    log_statements("xapi", logged[:1])
    log_statements("caliper", logged[1:])

    assert path.read_bytes().splitlines() == texts(logged)


def test_fragment_for_stdout_writes_to_stdout(configured, capsys):
    configured(statement_logging("stdout", "json"))

    log_statements("xapi", events(1))

    assert json.loads(capsys.readouterr().out)["logger"] == "xapi_tracking"


def test_fragment_for_a_listener_sends_to_it(configured):
    logged = events(2)
    with Listener() as listener:
        configured(statement_logging(listener.url, "raw", on_full="count"))
        log_statements("xapi", logged)
        flush_statements("xapi")

        assert listener.lines == texts(logged)


def test_fragment_for_null_logs_nothing(configured):
    configured(statement_logging("null"))

    assert log_statements("xapi", events(1)) == 0


def test_fragment_for_settings_is_empty():
    assert statement_logging("settings") == {"version": 1, "disable_existing_loggers": False}


def test_fragment_is_part_of_a_larger_configuration(configured, capsys):
    fragment = statement_logging("stdout", "aspects")
    configured(fragment | {"root": {"level": "WARNING", "handlers": []}})

    log_statements("xapi", events(1))

    assert "[xapi_tracking] [user None]" in capsys.readouterr().out


@pytest.mark.parametrize("log_to", ["", "stdin", "file:", "file", "tcp:localhost:1", "tcp://localhost", "unix:"])
def test_unknown_destinations_are_errors(log_to):
    with pytest.raises(ConfigurationError):
        statement_logging(log_to)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="missing"):
        statement_logging(f"file:{tmp_path}/missing/statements.log")


def test_an_unknown_format_is_an_error():
    with pytest.raises(ConfigurationError, match="'xml' is not one of aspects, json, raw"):
        statement_logging("stdout", "xml")


def test_a_run_restores_the_loggers(tmp_path):
    before = [(logger.handlers, logger.level, logger.propagate) for logger in LOGGERS]
    other = logging.StreamHandler()
    logging.getLogger().addHandler(other)

    with statements_to(f"file:{tmp_path}/s.log", "raw"):
        assert log_statements("xapi", events(1)) == 1

    assert [(logger.handlers, logger.level, logger.propagate) for logger in LOGGERS] == before
    assert other in logging.getLogger().handlers


def test_a_run_can_use_the_handlers_of_the_settings(caplog):
    logged = events(1)
    with caplog.at_level(logging.INFO, "xapi_tracking"), statements_to("settings"):
        log_statements("xapi", logged)

    assert [record.getMessage().encode() for record in caplog.records] == texts(logged)


def test_a_failed_run_restores_the_loggers(tmp_path):
    def stopped_run():
        with Listener() as listener, statements_to(listener.url, "raw"):
            log_statements("xapi", events(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_run()

    assert all(not logger.handlers for logger in LOGGERS)


def test_a_run_waits_for_its_listener_until_the_given_timeout():
    with Listener() as listener, statements_to(listener.url, "raw", timeout_seconds=7.0):
        (handler,) = LOGGERS[0].handlers

        assert handler.timeout_seconds == 7.0


def test_a_run_without_its_listener_does_not_begin(tmp_path):
    with pytest.raises(ConfigurationError, match="No such file"), statements_to(f"unix:{tmp_path}/missing", "raw"):
        pytest.fail("began")

    assert all(not logger.handlers for logger in LOGGERS)


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError), statements_to(f"file:{tmp_path}", "raw"):
        pass
