"""Format a statement's record as one line of bytes, in one of the three formats that the Vector configs accept.

The records of a block differ in little more than their statement. The common part of the line is formatted once for
each block, and the statement's bytes are inserted into it without decoding or encoding them.
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

_REPLACEMENT_CHARACTER = "\ufffd".encode()
_ESCAPED = rb"\ufffd"


def statement_record(template: logging.LogRecord, event: TransformedEvent, statement: Statement) -> logging.LogRecord:
    """Return a statement's record: a copy of the template, with the statement's attributes.

    The template comes from the process's record factory. It is made once for each block because ``Logger.info`` spends
    most of its time finding the caller, the thread and the process, which are the same for a whole block.
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
    """Return a record's statement on one line. The record can come from this package or from other code."""
    text = getattr(record, "statement_bytes", None)
    if isinstance(text, bytes):
        return escape_replacement_characters(text)
    # In JSON a line end is white space, so replacing it by a space keeps the meaning.
    message = record.getMessage().strip().replace("\r", " ").replace("\n", " ")
    return escape_replacement_characters(message.encode("utf-8", "backslashreplace"))


def escape_replacement_characters(text: Text) -> bytes:
    r"""Write each U+FFFD in JSON as the escape ``\ufffd``.

    Readers such as Vector replace bytes that are not UTF-8 by U+FFFD. Because of the escape, a line that contains
    U+FFFD is known to be damaged.
    """
    data = bytes(text)
    # Searching for one byte is much faster than searching for three, and most blocks do not contain it.
    return data.replace(_REPLACEMENT_CHARACTER, _ESCAPED) if b"\xef" in data else data


class LineFormatter(logging.Formatter):
    """Base class of the formatters: bytes for the handlers of this package, text for any other handler."""

    def line(self, record: logging.LogRecord) -> bytes:
        """Return the record as one line, without its line end."""
        raise NotImplementedError

    def block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> bytes:
        """Return the lines of a block of events, each with its line end.

        The result is the same as that of ``line`` for each record, but no record is made. All records of the block
        have the attributes of ``template``.
        """
        raise NotImplementedError

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of text."""
        return self.line(record).decode("utf-8", "backslashreplace")


class RawFormatter(LineFormatter):
    """Format a statement as the statement alone."""

    line = staticmethod(statement_text)

    def block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> bytes:  # noqa: ARG002 - every formatter has this signature
        """Return the statements."""
        return escape_replacement_characters(statement_lines(events))


class AspectsFormatter(LineFormatter):
    """Format a statement as the LMS does.

    Aspects' Vector takes everything from the first brace on, so the prefix must not contain a brace.
    """

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
        """Return the lines of a block. All have the same prefix."""
        prefix = self._prefix(template)
        return (
            prefix + escape_replacement_characters(statement_lines(events)).replace(b"\n", b"\n" + prefix)
        ).removesuffix(prefix)

    def _prefix(self, record: logging.LogRecord) -> bytes:
        shared = (record.created, record.name, record.levelno, record.lineno, record.filename, record.process)
        if shared != self._last_shared:
            record.asctime = self.formatTime(record)
            prefix = self.formatMessage(record).replace("{", "(").replace("}", ")")
            self._last_prefix, self._last_shared = prefix.encode(), shared
        return self._last_prefix


class JsonFormatter(PlainJsonFormatter, LineFormatter):
    """Format a statement as a JSON envelope that contains its source and the statement itself, unescaped.

    Keys: ``timestamp`` (with zone), ``logger``, ``event``, ``object``, ``offset``, ``statement``. A message that is not
    a JSON object has the key ``message`` instead of ``statement``.

    Args:
        static_fields: fields to add to every line, such as the name of the installation.
    """

    def __init__(self, *, static_fields: dict[str, Any] | None = None) -> None:
        super().__init__(static_fields=static_fields)
        self._heads: dict[tuple[str, str], bytes] = {}
        self._heads_key: tuple[Any, ...] = ()

    def line(self, record: logging.LogRecord) -> bytes:
        """Return the envelope around the statement."""
        text = getattr(record, "statement_bytes", None)
        if text is None:
            return self._foreign_line(record)
        line = b'%b, "offset": %d, "statement": %b}' % (self._head(record), record.source_offset, text)  # type: ignore[attr-defined]
        return escape_replacement_characters(line)

    def block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> bytes:
        """Return the lines of a block. Events with the same name and object have the same head."""
        heads = self._heads_for(template)
        lines = []
        for event in events:
            source_object, source_offset = event.position
            head = heads.get((event.name, source_object))
            for statement in event.statements:
                if head is None:
                    head = self._head(statement_record(template, event, statement))
                lines.append(b'%b, "offset": %d, "statement": %b}\n' % (head, source_offset, statement.text))
        return escape_replacement_characters(b"".join(lines))

    def format(self, record: logging.LogRecord) -> str:
        """Return the envelope as text."""
        return LineFormatter.format(self, record)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Add the envelope's keys, except for the offset and the statement."""
        log_data["timestamp"] = datetime.fromtimestamp(record.created, UTC)
        log_data["logger"] = record.name
        log_data["event"] = getattr(record, "event_name", None)
        log_data["object"] = getattr(record, "source_object", None)
        log_data.update(self.static_fields)
        log_data.update(message_dict)

    def _head(self, record: logging.LogRecord) -> bytes:
        """Return the envelope without its offset and statement, from the cache where possible."""
        heads = self._heads_for(record)
        key = (record.event_name, record.source_object)  # type: ignore[attr-defined]
        head = heads.get(key)
        if head is None:
            head = heads[key] = self._envelope(record)[:-1]
        return head

    def _heads_for(self, record: logging.LogRecord) -> dict[tuple[str, str], bytes]:
        """Return the cached heads by event name and object; they are valid for one creation time and logger."""
        shared = (record.created, record.name)
        if shared != self._heads_key:
            self._heads, self._heads_key = {}, shared
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
