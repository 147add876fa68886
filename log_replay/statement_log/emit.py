"""Log statements through the two statement loggers, one block at a time."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING

from log_replay.records import statement_count
from log_replay.statement_log.formatters import statement_record
from log_replay.statement_log.line_handler import LineHandler
from log_replay.statement_log.pretty import FORMATTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.records import Statement, TransformedEvent
    from log_replay.statement_log.line_limits import LineLimit

#: Names of the statement loggers by transformer type.
LOGGERS = {"xapi": "xapi_tracking", "caliper": "caliper_tracking"}


def log_statements(transformer_type: str, events: Sequence[TransformedEvent], limit: LineLimit | None = None) -> int:
    """Log each statement as one INFO record whose message is its text, and return the number of statements logged.

    Return 0 if the logger has no handler for INFO records. Each record has the additional attributes ``event_name``,
    ``source_object``, ``source_offset``, ``statement_id`` and ``statement_bytes``.

    Raises:
        Stopped: the reader of stdout has closed it.
        DestinationUnavailable: a handler of this package cannot write to its file or listener.
    """
    logger = logging.getLogger(LOGGERS[transformer_type])
    handlers = _effective_handlers(logger)
    if not handlers:
        return 0
    template = logger.makeRecord(logger.name, logging.INFO, __file__, 1, "", (), None, "log_statements")
    line_handlers = [handler for handler in handlers if isinstance(handler, LineHandler)]
    with ExitStack() as blocks:
        for handler in line_handlers:
            blocks.enter_context(handler.block())
        if (
            len(line_handlers) == len(handlers)
            and not (limit or logger.filters)
            and all(handler.can_format_blocks for handler in line_handlers)
        ):
            for handler in line_handlers:
                handler.buffer_block(template, events)
            return statement_count(events)
        return _log_each(logger, handlers, events, template, limit)


def _log_each(
    logger: logging.Logger,
    handlers: list[logging.Handler],
    events: Sequence[TransformedEvent],
    template: logging.LogRecord,
    limit: LineLimit | None,
) -> int:
    """Log each statement as a separate record, for handlers, formatters and filters of other packages."""
    count = 0
    for event in events:
        for statement in event.statements:
            record = statement_record(template, event, statement)
            if limit and limit.may_exceed(statement.text, event.position):
                limit.check(record, handlers, event.position)
            logger.handle(record)
            count += 1
    return count


def logged_line(transformer_type: str, log_format: str, event: TransformedEvent, statement: Statement) -> bytes:
    """Return the line of a statement in a format, without its line end. Nothing is logged."""
    logger = logging.getLogger(LOGGERS[transformer_type])
    template = logger.makeRecord(logger.name, logging.INFO, __file__, 1, "", (), None, "log_statements")
    return FORMATTERS[log_format]().line(statement_record(template, event, statement))


def flush_statements(transformer_type: str) -> int:
    """Wait until the handlers' destinations have all statements; return the number lost since the last call.

    Call it before recording progress. Handlers of other packages are assumed to have delivered each record.
    """
    handlers = _effective_handlers(logging.getLogger(LOGGERS[transformer_type]))
    return sum(handler.flush_lines() for handler in handlers if isinstance(handler, LineHandler))


def _effective_handlers(logger: logging.Logger) -> list[logging.Handler]:
    """Return the handlers that receive an INFO record of the logger."""
    if not logger.isEnabledFor(logging.INFO):
        return []
    handlers: list[logging.Handler] = []
    ancestor: logging.Logger | None = logger
    while ancestor:
        handlers.extend(ancestor.handlers)
        ancestor = ancestor.parent if ancestor.propagate else None
    return [
        handler
        for handler in handlers
        if handler.level <= logging.INFO and not isinstance(handler, logging.NullHandler)
    ]
