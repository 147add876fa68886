"""One question: where the statements are -> read-only SQL -> the answer's bytes."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from log_replay.clickhouse.connection import connect, embedded_path
from log_replay.clickhouse.errors import FOREIGN, message
from log_replay.errors import ConfigurationError
from log_replay.query.views import view_files, view_tables
from log_replay.storage.output_names import is_own_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clickhouse_connect.driver.client import Client

#: What each format is called in ClickHouse.
FORMATS = {"table": "PrettyCompactMonoBlock", "json": "JSONEachRow", "csv": "CSVWithNames"}
#: How queries that change nothing begin, once formatted.
_READING = ("SELECT ", "WITH ", "SHOW ", "DESCRIBE ", "EXPLAIN ", "EXISTS ")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
#: These two are read-only to ClickHouse, and are refused nevertheless: they write files.
_OUTFILE = re.compile(r"\bINTO OUTFILE\b")
_FORMAT = re.compile(r"\bFORMAT \w+$")
_SETTINGS = {
    "readonly": 2,
    "output_format_pretty_color": 0,
    "output_format_pretty_row_numbers": 0,
    "output_format_json_escape_forward_slashes": 0,
}


@contextmanager
def embedded_statements(path: str | None) -> Iterator[Client]:
    """Give a client of the embedded database with the view ``statements``.

    Raises:
        ConfigurationError: there is none, or nothing is in it.
    """
    config = {"path": path}
    folder = embedded_path(config)
    hint = "replay into it with --destination_provider CLICKHOUSE --create_tables, or name files with --files"
    if not folder.is_dir():
        raise ConfigurationError("there is no embedded database", operation="read", object=str(folder), hint=hint)
    with connect(config) as client:
        if not view_tables(client):
            raise ConfigurationError("no statements are in it", operation="read", object=str(folder), hint=hint)
        yield client


@contextmanager
def file_statements(patterns: Sequence[str]) -> Iterator[Client]:
    """Give a client of an engine in memory whose view ``statements`` reads files, compressed or not.

    Args:
        patterns: paths, glob patterns (``**`` too), or folders, of which our own outputs are read.

    Raises:
        ConfigurationError: there are no such files.
    """
    paths = sorted({path.absolute() for pattern in patterns for path in _files(pattern)})
    if not paths:
        raise ConfigurationError(f"no files match {' '.join(patterns)}", operation="read")
    with tempfile.TemporaryDirectory(prefix="log-replay-") as folder:
        # Links, since any name is allowed on a disk but not all in ClickHouse's own patterns.
        links = Path(folder) / "links"
        links.mkdir()
        for number, path in enumerate(paths):
            (links / f"{number:08d}{path.suffix}").symlink_to(path)
        with connect({"path": f"{folder}/engine"}) as client:
            view_files(client, links)
            yield client


def answer(client: Client, sql: str, output: str) -> bytes:
    """Return the answer to a query that reads.

    Args:
        client: as one of the above gives it.
        sql: one query.
        output: a key of ``FORMATS``.

    Raises:
        ConfigurationError: it is no such query, or cannot be answered.
    """
    try:
        # ClickHouse's own parser says what it is, so that neither comments nor a second statement can hide anything.
        ((query,),) = client.query("SELECT formatQuerySingleLine({sql:String})", {"sql": sql}).result_rows
        _check_reading(query)
        for name, value in _SETTINGS.items():
            client.set_client_setting(name, value)
        return client.raw_query(query, fmt=FORMATS[output])
    except FOREIGN as error:
        raise ConfigurationError(message(error), operation="query") from None


def _check_reading(query: str) -> None:
    bare = _QUOTED.sub("", query)
    if not bare.startswith(_READING) or _OUTFILE.search(bare):
        raise ConfigurationError("only queries that read are allowed", operation="query", hint="SELECT ...")
    if _FORMAT.search(bare):
        raise ConfigurationError("the format is an option", operation="query", hint="--format table, json or csv")


def _files(pattern: str) -> Iterator[Path]:
    for name in glob(str(Path(pattern).expanduser()), recursive=True):  # noqa: PTH207 - which takes no absolute patterns
        path = Path(name)
        found = [inner for inner in path.rglob("*") if is_own_output(inner.name)] if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and not file.name.startswith("manifest."))
