"""Content of the lines of a file, their folder, and the compression."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from log_replay.clickhouse.rows import emission_time, event_id
from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.records import Statement


class Layout(NamedTuple):
    """The content and the place of the lines that a file sink writes.

    Both functions raise ``UnstorableStatement`` for a statement that cannot be written in this layout.

    Attributes:
        line: returns the line of a statement, with its line end.
        folder: returns the folder of the line, below the prefix. A batch gives one file for each folder.
        compression: ``gzip``, ``zstd`` or None.
        root: the folder that contains the folders of all lines; empty if there is only one folder.
    """

    line: Callable[[Statement], bytes]
    folder: Callable[[Statement], str]
    compression: str | None = None
    root: str = ""


#: One statement per line, all in one folder.
STATEMENTS = Layout(lambda statement: statement.text + b"\n", lambda _: "")


def read_layout(output_format: str, layout: str, *, transformer_type: str, compression: str | None) -> Layout:
    """Return the layout of ``--format`` and ``--layout``.

    Raises:
        ConfigurationError: a name is unknown, or the names exclude each other.
    """
    lines = {"statements": STATEMENTS.line, "rows": row_line}
    folders: dict[str, Callable[[Statement], str]] = {
        "plain": STATEMENTS.folder,
        "aspects": lambda statement: _hour(transformer_type, statement),
    }
    if output_format not in lines:
        raise ConfigurationError(f"unknown format {output_format!r}", hint=" or ".join(lines))
    if layout not in folders:
        raise ConfigurationError(f"unknown layout {layout!r}", hint=" or ".join(folders))
    if layout == "aspects" and (output_format != "rows" or compression != "zstd"):
        raise ConfigurationError(
            "the layout 'aspects' needs the format 'rows' and the compression 'zstd'",
            hint="omit the format and the compression",
        )
    return Layout(
        lines[output_format], folders[layout], compression, root=transformer_type if layout == "aspects" else ""
    )


def row_line(statement: Statement) -> bytes:
    """Return a statement as a row in ClickHouse's JSONEachRow format.

    Raises:
        UnstorableStatement: the statement has no valid id or time.
    """
    row = {
        "event_id": event_id(statement),
        "emission_time": emission_time(statement).isoformat(timespec="microseconds")[:26] + "Z",
        "event": statement.text.decode(),
    }
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _hour(transformer_type: str, statement: Statement) -> str:
    return f"{transformer_type}/{emission_time(statement):%Y/%m/%d/%H}"
