"""Emitting: finished statements -> records of the two statement loggers, a block at a time."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING

from log_replay.records import statement_count
from log_replay.statement_log.formatters import statement_record
from log_replay.statement_log.line_handler import LineHandler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.records import TransformedEvent
    from log_replay.statement_log.line_limits import LineLimit

#: The statement loggers, by transformer type.
LOGGERS = {"xapi": "xapi_tracking", "caliper": "caliper_tracking"}


def log_statements(transformer_type: str, events: Sequence[TransformedEvent], limit: LineLimit | None = None) -> int:
    """Log each statement as one INFO record whose message is its text, and return how many.

    Where nothing listens, 0 is returned and nothing is done. Beside what every record has, ours carry ``event_name``,
    ``source_object``, ``source_offset``, ``statement_id`` and ``statement_bytes``.

    Raises:
        Stopped: nobody reads stdout any more.
        DestinationUnavailable: a file or listener of ours takes nothing any more.
    """
    logger = logging.getLogger(LOGGERS[transformer_type])
    handlers = _listening(logger)
    if not handlers:
        return 0
    template = logger.makeRecord(logger.name, logging.INFO, __file__, 1, "", (), None, "log_statements")
    ours = [handler for handler in handlers if isinstance(handler, LineHandler)]
    with ExitStack() as blocks:
        for handler in ours:
            blocks.enter_context(handler.block())
        if len(ours) == len(handlers) and not (limit or logger.filters) and all(one.takes_blocks for one in ours):
            for handler in ours:
                handler.hold_block(template, events)
            return statement_count(events)
        return _log_each(logger, handlers, events, template, limit)


def _log_each(
    logger: logging.Logger,
    handlers: list[logging.Handler],
    events: Sequence[TransformedEvent],
    template: logging.LogRecord,
    limit: LineLimit | None,
) -> int:
    """Log record by record: for handlers, formatters and filters that are not ours and must see each."""
    count = 0
    for event in events:
        for statement in event.statements:
            record = statement_record(template, event, statement)
            if limit and limit.may_exceed(statement.text, event.position):
                limit.check(record, handlers, event.position)
            logger.handle(record)
            count += 1
    return count


def settle_statements(transformer_type: str) -> int:
    """Make sure that listeners have read what was logged; return how many statements were lost since last asked.

    Ask before recording progress. Handlers that are not ours are taken at their word.
    """
    handlers = _listening(logging.getLogger(LOGGERS[transformer_type]))
    return sum(handler.settle() for handler in handlers if isinstance(handler, LineHandler))


def _listening(logger: logging.Logger) -> list[logging.Handler]:
    """Return the handlers that would be given an INFO record of the logger."""
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
