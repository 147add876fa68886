"""Transformed events for tests of logging."""

from __future__ import annotations

import json
import uuid

from log_replay.records import Position, Statement, TransformedEvent

STAMP = "2023-04-05T06:07:08.123456+00:00"


def statement(text: bytes | None = None, response: str = "") -> Statement:
    """Make a statement, optionally with a given text."""
    identifier = str(uuid.uuid4())
    fields = {"id": identifier, "timestamp": STAMP, "actor": {}, "verb": {}, "object": {}, "result": response}
    return Statement(identifier, STAMP, text or json.dumps(fields, ensure_ascii=False).encode())


def event(*statements: Statement, offset: int = 0, name: str = "problem_check") -> TransformedEvent:
    """Make an event with these statements."""
    return TransformedEvent(Position("tracking.log", offset), name, statements)


def events(count: int, response: str = "") -> list[TransformedEvent]:
    """Make events with one statement each."""
    return [event(statement(response=response), offset=1000 * number) for number in range(count)]


def texts(logged: list[TransformedEvent]) -> list[bytes]:
    """Return the statements' texts, in order."""
    return [made.text for transformed in logged for made in transformed.statements]
