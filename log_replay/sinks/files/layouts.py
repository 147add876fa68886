"""What the lines of a file hold, which folder a line goes to, and how files are compressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from log_replay.clickhouse.rows import emission_time, event_id
from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.records import Statement


class Shape(NamedTuple):
    """How a sink of files writes.

    Both functions raise ``UnstorableStatement`` for a statement that has no place in such files.

    Attributes:
        line: a statement's line, with its end.
        folder: where the line goes below the prefix, so that a batch becomes one object for each folder.
        compression: ``gzip``, ``zstd`` or None.
    """

    line: Callable[[Statement], bytes]
    folder: Callable[[Statement], str]
    compression: str | None = None


#: A statement a line, all in one folder.
STATEMENTS = Shape(lambda statement: statement.text + b"\n", lambda _: "")


def shape(output_format: str, layout: str, *, transformer_type: str, compression: str | None) -> Shape:
    """Return the shape that ``--format`` and ``--layout`` mean.

    Raises:
        ConfigurationError: there is none of these names, or they do not go together.
    """
    lines = {"statements": STATEMENTS.line, "rows": row_line}
    folders: dict[str, Callable[[Statement], str]] = {
        "plain": STATEMENTS.folder,
        "aspects": lambda statement: _hour(transformer_type, statement),
    }
    if output_format not in lines:
        raise _wrong(f"unknown format {output_format!r}", " or ".join(lines))
    if layout not in folders:
        raise _wrong(f"unknown layout {layout!r}", " or ".join(folders))
    if layout == "aspects" and (output_format != "rows" or compression != "zstd"):
        raise _wrong("the layout of Aspects' archive is for zstd files of rows", "leave the format and compression out")
    return Shape(lines[output_format], folders[layout], compression)


def row_line(statement: Statement) -> bytes:
    """Return the row as ClickHouse's JSONEachRow.

    Raises:
        UnstorableStatement: it cannot be one.
    """
    row = {
        "event_id": event_id(statement),
        "emission_time": emission_time(statement).isoformat(timespec="microseconds")[:26] + "Z",
        "event": statement.text.decode(),
    }
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _hour(transformer_type: str, statement: Statement) -> str:
    return f"{transformer_type}/{emission_time(statement):%Y/%m/%d/%H}"


def _wrong(message: str, hint: str) -> ConfigurationError:
    return ConfigurationError(message, operation="open the destination", hint=hint)
