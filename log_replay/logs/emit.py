"""Emitting: finished statements -> records of the two statement loggers, a block at a time."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from log_replay.logs.lines import LineHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from log_replay.logs.limits import LineLimit
    from log_replay.records import TransformedEvent

#: The statement loggers, by transformer type.
LOGGERS = {"xapi": "xapi_tracking", "caliper": "caliper_tracking"}


def log_statements(transformer_type: str, events: Iterable[TransformedEvent], limit: LineLimit | None = None) -> int:
    """Log each statement as one INFO record whose message is its text, and return how many.

    Where nothing listens, 0 is returned and nothing is done. Beside what every record has, ours carry ``event_name``,
    ``source_object``, ``source_offset``, ``statement_id`` and ``statement_bytes``.

    Raises:
        Stopped: nobody reads stdout any more.
        DestinationLost: a file or listener of ours takes nothing any more.
    """
    logger = logging.getLogger(LOGGERS[transformer_type])
    handlers = _listening(logger)
    if not handlers:
        return 0
    make_record = _record_maker(logger)
    count = 0
    with ExitStack() as blocks:
        for handler in handlers:
            if isinstance(handler, LineHandler):
                blocks.enter_context(handler.block())
        for event in events:
            for statement in event.statements:
                record = make_record(event, statement.id, statement.text)
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


def _record_maker(logger: logging.Logger) -> Callable[[TransformedEvent, str, bytes], logging.LogRecord]:
    """Return what makes a block's records, by copying one that the process's record factory made.

    ``Logger.info`` spends most of its time finding its caller, the thread, the process: the same for a whole block.
    """
    template = logger.makeRecord(logger.name, logging.INFO, __file__, 1, "", (), None, "log_statements")
    shared, new, record_type = template.__dict__, object.__new__, type(template)

    def make(event: TransformedEvent, statement_id: str, text: bytes) -> logging.LogRecord:
        record = new(record_type)
        attributes: dict[str, Any] = shared.copy()
        attributes["msg"] = text.decode()
        attributes["event_name"] = event.name
        attributes["source_object"], attributes["source_offset"] = event.position
        attributes["statement_id"] = statement_id
        attributes["statement_bytes"] = text
        record.__dict__ = attributes
        return record

    return make
