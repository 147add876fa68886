"""Run a read-only query over the embedded database, or over files."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from log_replay.clickhouse.clients import connect, embedded_path
from log_replay.clickhouse.error_kinds import FOREIGN, error_message
from log_replay.errors import ConfigurationError
from log_replay.query.views import view_files, view_tables
from log_replay.storage.output_names import is_own_output
from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

#: ClickHouse's names of the output formats.
FORMATS = {"table": "PrettyCompactMonoBlock", "json": "JSONEachRow", "csv": "CSVWithNames"}
#: The beginnings of read-only queries, after formatting.
_READ_ONLY = ("SELECT ", "WITH ", "SHOW ", "DESCRIBE ", "EXPLAIN ", "EXISTS ")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
#: ClickHouse allows INTO OUTFILE in read-only queries, but it writes a file.
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
    """Provide a client of the embedded database with the view ``statements``.

    Raises:
        ConfigurationError: the database does not exist, or contains no statements.
    """
    config = {"path": path}
    folder = embedded_path(config)
    hint = "replay into it with --to clickhouse --create_tables, or query files with --files"
    if not folder.is_dir():
        raise ConfigurationError("there is no embedded database", operation="read", object=str(folder), hint=hint)
    with connect(config) as client:
        if not view_tables(client):
            raise ConfigurationError("it contains no statements", operation="read", object=str(folder), hint=hint)
        yield client


@contextmanager
def file_statements(patterns: Sequence[str]) -> Iterator[Client]:
    """Provide a client of an empty engine with a view ``statements`` that reads files. They may be compressed.

    Args:
        patterns: paths, glob patterns (``**`` is allowed), or folders, in which only outputs of runs are read.

    Raises:
        ConfigurationError: no files match.
    """
    paths = sorted({path.absolute() for pattern in patterns for path in _files(pattern)})
    if not paths:
        raise ConfigurationError(f"no files match {' '.join(patterns)}", operation="read")
    with tempfile.TemporaryDirectory(prefix="log-replay-") as folder:
        # Links, because some names of files have a meaning in the patterns of ClickHouse.
        links_folder = Path(folder) / "links"
        links_folder.mkdir()
        links = {links_folder / f"{number:08d}{path.suffix}": path for number, path in enumerate(paths)}
        for link, path in links.items():
            link.symlink_to(path)
        with connect({"path": f"{folder}/engine"}) as client, _errors_naming_files(links):
            view_files(client, links_folder)
            yield client


def run_query(client: Client, sql: str, output_format: str) -> bytes:
    """Return the result of a read-only query. Control characters are escaped in a table, but not in data.

    Args:
        client: a client from one of the functions above.
        sql: a single query.
        output_format: a key of ``FORMATS``.

    Raises:
        ConfigurationError: the SQL is not a single read-only query, or the query fails.
    """
    if not _is_utf_8(sql):
        raise ConfigurationError("it is not UTF-8", operation="query")
    try:
        # Format the query with ClickHouse's own parser, so that comments or a second query cannot hide anything.
        ((query,),) = client.query("SELECT formatQuerySingleLine({sql:String})", {"sql": sql}).result_rows
        _check_read_only(query)
        for name, value in _SETTINGS.items():
            client.set_client_setting(name, value)
        result = client.raw_query(query, fmt=FORMATS[output_format])
    except FOREIGN as error:
        raise ConfigurationError(error_message(error), operation="query") from None
    if output_format != "table":
        return result
    # A table is for people, and statements contain text that learners wrote.
    return escape_controls(result.decode("utf-8", "backslashreplace"), keep_line_ends=True).encode()


@contextmanager
def _errors_naming_files(links: Mapping[Path, Path]) -> Iterator[None]:
    """Replace the names of links by those of the files in error messages."""
    try:
        yield
    except ConfigurationError as error:
        for link, path in links.items():
            error.message = error.message.replace(str(link), escape_controls(str(path)))
        raise


def _is_utf_8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_read_only(query: str) -> None:
    bare = _QUOTED.sub("", query)
    if not bare.startswith(_READ_ONLY) or _OUTFILE.search(bare):
        raise ConfigurationError("only read-only queries are allowed", operation="query", hint="for example SELECT ...")
    if _FORMAT.search(bare):
        raise ConfigurationError(
            "FORMAT is not allowed in the query", operation="query", hint="use --format table, json or csv"
        )


def _files(pattern: str) -> Iterator[Path]:
    for name in glob(str(Path(pattern).expanduser()), recursive=True):  # noqa: PTH207 - Path.glob accepts no absolute patterns
        path = Path(name)
        found = [inner for inner in path.rglob("*") if is_own_output(inner.name)] if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and not file.name.startswith("manifest."))
