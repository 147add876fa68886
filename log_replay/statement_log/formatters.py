"""Formatters: a statement's record -> one line of bytes, in the three formats that our Vector configs accept.

A block's records share almost everything but the statement, so what they share is rendered once and the statement's
bytes are spliced in: they are never decoded, encoded or escaped again.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pythonjsonlogger.json import JsonFormatter as PlainJsonFormatter

from log_replay.records import statement_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.records import Statement, Text, TransformedEvent


def statement_record(template: logging.LogRecord, event: TransformedEvent, statement: Statement) -> logging.LogRecord:
    """Return a statement's record: a copy of one that the process's record factory made, for the whole block.

    ``Logger.info`` spends most of its time finding its caller, the thread, the process: the same for a whole block.
    """
    source_object, source_offset = event.position
    record = object.__new__(type(template))
    record.__dict__ = {
        **template.__dict__,
        "msg": statement.text.decode(),
        "event_name": event.name,
        "source_object": source_object,
        "source_offset": source_offset,
        "statement_id": statement.id,
        "statement_bytes": statement.text,
    }
    return record


def statement_text(record: logging.LogRecord) -> bytes:
    """Return a record's statement on one line, whoever logged it."""
    text = getattr(record, "statement_bytes", None)
    if isinstance(text, bytes):
        return text
    # Somebody else's message; a line end within JSON is white space, so that a blank means the same.
    message = record.getMessage().strip().replace("\r", " ").replace("\n", " ")
    return message.encode("utf-8", "backslashreplace")


class LineFormatter(logging.Formatter):
    """What our handlers ask for a line of bytes; any other handler gets the same line as text."""

    def line(self, record: logging.LogRecord) -> bytes:
        """Return the record as one line, without its line end."""
        raise NotImplementedError

    def block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> Text:
        """Return the lines of a block, which have everything in common that ``template`` says, with their line ends.

        The same as ``line`` gives for each record, which need not be made for that.
        """
        raise NotImplementedError

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of text."""
        return self.line(record).decode("utf-8", "backslashreplace")


class RawFormatter(LineFormatter):
    """The statement alone."""

    line = staticmethod(statement_text)

    def block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> Text:  # noqa: ARG002 - the statements alone
        """Return the statements."""
        return statement_lines(events)


class AspectsFormatter(LineFormatter):
    """The LMS's own line, of which Aspects' Vector takes all from the first brace on: none may stand before it."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(process)d [%(name)s] [user None] [ip None] %(filename)s:%(lineno)d - "
        )
        self._last_shared: tuple[Any, ...] = ()
        self._last_prefix = b""

    def line(self, record: logging.LogRecord) -> bytes:
        """Return ``2026-11-21 09:12:13,123 INFO 17 [xapi_tracking] [user None] [ip None] emit.py:1 - {...}``."""
        return self._prefix(record) + statement_text(record)

    def block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> bytes:
        """Return such lines; they all begin alike."""
        prefix = self._prefix(template)
        return (prefix + bytes(statement_lines(events)).replace(b"\n", b"\n" + prefix)).removesuffix(prefix)

    def _prefix(self, record: logging.LogRecord) -> bytes:
        shared = (record.created, record.name, record.levelno, record.lineno, record.filename, record.process)
        if shared != self._last_shared:
            record.asctime = self.formatTime(record)
            prefix = self.formatMessage(record).replace("{", "(").replace("}", ")")
            self._last_prefix, self._last_shared = prefix.encode(), shared
        return self._last_prefix


class JsonFormatter(PlainJsonFormatter, LineFormatter):
    """An envelope that says where the statement comes from and holds it as it is, not as a string.

    Keys: ``timestamp`` (with zone), ``logger``, ``event``, ``object``, ``offset``, ``statement``. A message that is no
    JSON object stands under ``message`` instead of ``statement``.

    Args:
        static_fields: added to every line, such as the name of the installation.
    """

    def __init__(self, *, static_fields: dict[str, Any] | None = None) -> None:
        super().__init__(static_fields=static_fields)
        self._heads: dict[tuple[str, str], bytes] = {}
        self._heads_of: tuple[Any, ...] = ()

    def line(self, record: logging.LogRecord) -> bytes:
        """Return the envelope around the statement."""
        text = getattr(record, "statement_bytes", None)
        if text is None:
            return self._foreign_line(record)
        return b'%b, "offset": %d, "statement": %b}' % (self._head(record), record.source_offset, text)  # type: ignore[attr-defined]

    def block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> bytes:
        """Return such lines; those of events of one name begin alike."""
        heads = self._heads_with(template)
        lines = []
        for event in events:
            source_object, source_offset = event.position
            head = heads.get((event.name, source_object))
            for statement in event.statements:
                if head is None:
                    head = self._head(statement_record(template, event, statement))
                lines.append(b'%b, "offset": %d, "statement": %b}\n' % (head, source_offset, statement.text))
        return b"".join(lines)

    def format(self, record: logging.LogRecord) -> str:
        """Return the envelope as text."""
        return LineFormatter.format(self, record)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Put what a block's records share into the envelope."""
        log_data["timestamp"] = datetime.fromtimestamp(record.created, UTC)
        log_data["logger"] = record.name
        log_data["event"] = getattr(record, "event_name", None)
        log_data["object"] = getattr(record, "source_object", None)
        log_data.update(self.static_fields)
        log_data.update(message_dict)

    def _head(self, record: logging.LogRecord) -> bytes:
        """Return the envelope up to where its statement differs from others of the same block and event name."""
        heads = self._heads_with(record)
        differing = (record.event_name, record.source_object)  # type: ignore[attr-defined]
        head = heads.get(differing)
        if head is None:
            head = heads[differing] = self._envelope(record)[:-1]
        return head

    def _heads_with(self, record: logging.LogRecord) -> dict[tuple[str, str], bytes]:
        """Return the envelopes' beginnings so far that agree with a record in all that its block shares."""
        shared = (record.created, record.name)
        if shared != self._heads_of:
            self._heads, self._heads_of = {}, shared
        return self._heads

    def _envelope(self, record: logging.LogRecord) -> bytes:
        return PlainJsonFormatter.format(self, record).encode()

    def _foreign_line(self, record: logging.LogRecord) -> bytes:
        text = statement_text(record)
        key = b"statement" if _is_object(text) else b"message"
        value = text if key == b"statement" else json.dumps(text.decode()).encode()
        return b'%b, "offset": null, "%b": %b}' % (self._envelope(record)[:-1], key, value)


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
