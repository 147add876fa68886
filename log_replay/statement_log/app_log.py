"""Set up Log Replay's own log: readable on a terminal, JSON lines elsewhere. It never writes to stdout."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

_NAME = "log_replay"


def configure_own_log(stream: TextIO | None = None, *, level: int | str = logging.INFO) -> None:
    """Send the loggers under ``log_replay`` to a stream (default: stderr), as text for a terminal or as JSON lines.

    A second call replaces the handler of the first. Other loggers do not change.
    """
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(target)],
        )
    )
    logger = logging.getLogger(_NAME)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _renderers(stream: TextIO) -> list[Processor]:
    if stream.isatty():
        # With rich installed, structlog would print local variables in tracebacks, and these can be secrets.
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
