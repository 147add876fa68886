"""Set up the two statement loggers from ``--log_to`` and ``--log_format``: as a ``LOGGING`` dict, or for one run."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError
from log_replay.statement_log.connection import parse_address
from log_replay.statement_log.emit import LOGGERS
from log_replay.statement_log.file_handler import FileHandler
from log_replay.statement_log.pretty import FORMATTERS, PrettyFormatter
from log_replay.statement_log.socket_handler import SocketHandler
from log_replay.statement_log.stdout_handler import StdoutHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.statement_log.formatters import LineFormatter
    from log_replay.statement_log.line_handler import LineHandler

SOCKETS = ("tcp:", "unix:")


def statement_logging(log_to: str = "stdout", log_format: str = "aspects", **handler_options: Any) -> dict[str, Any]:
    """Return a ``LOGGING`` fragment that sends both statement loggers to one destination.

    Args:
        log_to: ``stdout``, ``null``, ``settings`` (an empty fragment), ``file:PATH``,
            ``tcp://HOST:PORT`` or ``unix:PATH``.
        log_format: ``aspects``, ``json``, ``raw`` or ``pretty``.
        handler_options: additional arguments of the handler, such as ``max_bytes`` or ``on_full``.

    Raises:
        ConfigurationError: ``log_to`` or ``log_format`` has another value, or the folder of PATH does not exist.
    """
    fragment: dict[str, Any] = {"version": 1, "disable_existing_loggers": False}
    if log_to == "settings":
        return fragment
    handler, options = _handler(log_to)
    formatter = _formatter(log_format)
    logger: dict[str, Any] = {"level": "INFO", "propagate": False, "handlers": ["statements"] if handler else []}
    fragment["loggers"] = dict.fromkeys(LOGGERS.values(), logger)
    if handler:
        fragment["formatters"] = {"statements": {"()": f"log_replay.statement_log.{formatter.__name__}"}}
        fragment["handlers"] = {
            "statements": {
                "class": f"log_replay.statement_log.{handler.__name__}",
                "formatter": "statements",
                **options,
                **handler_options,
            }
        }
    return fragment


@contextmanager
def statements_to(
    log_to: str = "stdout", log_format: str = "aspects", *, timeout_seconds: float | None = None, **handler_options: Any
) -> Iterator[None]:
    """Send both statement loggers to one destination during a run, and restore them afterwards.

    Unlike ``logging.config.dictConfig`` it changes no other logger or handler. The arguments and errors are those of
    ``statement_logging``; a file that cannot be opened and a listener that does not answer are a ``ConfigurationError``
    too.

    Args:
        log_to: as for ``statement_logging``.
        log_format: as for ``statement_logging``.
        timeout_seconds: how long to wait for a listener that does not answer any more.
        handler_options: as for ``statement_logging``.
    """
    if log_to == "settings":
        yield
        return
    if timeout_seconds is not None and log_to.startswith(SOCKETS):
        handler_options["timeout_seconds"] = timeout_seconds
    handlers = _checked_handlers(log_to, log_format, handler_options)
    loggers = [logging.getLogger(name) for name in LOGGERS.values()]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [*handlers], False
        logger.setLevel(logging.INFO)
    try:
        yield
    except BaseException:
        for handler in handlers:
            handler.discard()
        raise
    finally:
        for logger, (kept, level, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = kept, propagate
            logger.setLevel(level)
        for handler in handlers:
            handler.close()


def _checked_handlers(log_to: str, log_format: str, handler_options: dict[str, Any]) -> list[LineHandler]:
    """Return the handler for a run, or nothing for ``null``."""
    handler_type, options = _handler(log_to)
    for_terminal = log_format == "pretty" and handler_type is StdoutHandler
    formatter = PrettyFormatter.for_stdout() if for_terminal else _formatter(log_format)()
    if not handler_type:
        return []
    handler = handler_type(**options, **handler_options)
    handler.setFormatter(formatter)
    handler.check()
    return [handler]


def _formatter(log_format: str) -> type[LineFormatter]:
    try:
        return FORMATTERS[log_format]
    except KeyError:
        raise ConfigurationError(
            f"{log_format!r} is not one of {', '.join(FORMATTERS)}", operation="--log_format"
        ) from None


def _handler(log_to: str) -> tuple[type[LineHandler] | None, dict[str, Any]]:
    """Return the handler's class and its arguments; the class is None for ``null``."""
    if log_to == "stdout":
        return StdoutHandler, {}
    if log_to == "null":
        return None, {}
    if log_to.startswith(SOCKETS):
        parse_address(log_to)
        return SocketHandler, {"address": log_to}
    path = Path(log_to.removeprefix("file:"))
    if not log_to.startswith("file:") or not path.name:
        raise ConfigurationError(
            f"{log_to!r} is not one of stdout, null, settings, file:PATH, tcp://HOST:PORT, unix:PATH",
            operation="--log_to",
        )
    if not path.absolute().parent.is_dir():
        raise ConfigurationError("the folder does not exist", operation="--log_to", object=str(path))
    return FileHandler, {"path": str(path)}
