"""Our own log: progress and trouble, for people on a terminal and as JSON elsewhere, never on stdout."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

_NAME = "log_replay"


def configure_own_log(stream: TextIO | None = None, *, level: int | str = logging.INFO) -> None:
    """Send the loggers under ``log_replay`` to a stream (stderr): readable on a terminal, JSON lines elsewhere.

    Calling it again replaces what the last call set up. No other logger is touched.
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
        # Where rich is installed, structlog would show tracebacks with every local variable, secrets among them.
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
