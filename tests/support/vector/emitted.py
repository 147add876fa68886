"""Statements, and their lines in the formats of Log Replay."""

from __future__ import annotations

import json
import logging
import os
import uuid
from typing import Any

from hypothesis import strategies as st

from log_replay.records import Position, Statement, TransformedEvent
from log_replay.statement_log import AspectsFormatter, JsonFormatter, RawFormatter, StdoutHandler, log_statements

FORMATTERS = {"aspects": AspectsFormatter, "json": JsonFormatter, "raw": RawFormatter}
STAMP = "2023-04-05T06:07:08.123456+00:00"

#: Any text, and texts that resemble the end of a line, of an envelope or of a prefix.
TEXTS = st.text() | st.sampled_from(
    [
        "\n",
        "\u2028\u2029\x85\x0b\x0c",
        "\\n",
        '"}',
        ' - {"',
        "[xapi_tracking] ",
        '", "statement": {"a": 1}}',
        "2026-11-21T09:12:13.123456789Z stdout F ",
        "\x1b[0m",
        "a" * 20_000,
        "$HOME ${HOME} $$ SECRET[a.b]",
        "\x00\x7f",
        "\ufffd",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=8,
)


def encoded(fields: dict[str, Any], *, ascii_only: bool = False) -> bytes:
    """Return the statement as one line of JSON."""
    return json.dumps(fields, ensure_ascii=ascii_only, separators=(",", ":")).encode("utf-8")


def xapi(extensions: Any = None, identifier: str | None = None) -> dict[str, Any]:
    """Make an xAPI statement."""
    return {
        "id": identifier or str(uuid.uuid4()),
        "version": "1.0.3",
        "timestamp": STAMP,
        "actor": {"objectType": "Agent", "account": {"homePage": "http://lms", "name": str(uuid.uuid4())}},
        "verb": {"id": "http://id.tincanapi.com/verb/viewed", "display": {"en": "viewed"}},
        "object": {"objectType": "Activity", "id": "http://lms/xblock/1"},
        "context": {"extensions": {"http://lms/extension": extensions}},
    }


def caliper(extensions: Any = None) -> dict[str, Any]:
    """Make a Caliper envelope with one event."""
    event = {
        "@context": "http://purl.imsglobal.org/ctx/caliper/v1p2",
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": "NavigationEvent",
        "eventTime": "2023-04-05T06:07:08.123Z",
        "extensions": extensions,
    }
    return {"sensor": "http://lms", "sendTime": "2023-04-05T06:08:00.000Z", "data": [event], "dataVersion": "v1p2"}


def as_logged(text: bytes) -> bytes:
    """Return a statement's text as the formatters write it: with U+FFFD as an escape."""
    return text.replace("\ufffd".encode(), rb"\ufffd")


def lines(texts: list[bytes], log_format: str, transformer_type: str = "xapi", names: str = "a.b") -> list[bytes]:
    """Log statements with the StdoutHandler, and return the lines."""
    fd = os.memfd_create("stdout")
    handler = StdoutHandler(fd)
    handler.setFormatter(FORMATTERS[log_format]())
    logger = logging.getLogger({"xapi": "xapi_tracking", "caliper": "caliper_tracking"}[transformer_type])
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    made = [Statement("i", STAMP, text) for text in texts]
    log_statements(transformer_type, [TransformedEvent(Position(names, 7), names, (one,)) for one in made])
    with os.fdopen(fd, "rb") as written:
        written.seek(0)
        content = written.read()
    assert content.endswith(b"\n") or not content
    return content.split(b"\n")[:-1]
