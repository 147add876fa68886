"""Bindings to the optional C extension. Each name is None if the extension is not built.

Every C function has a Python twin that does the same, but takes more time. A twin has the same arguments, except those
in capitals: they are classes and functions that the C code cannot import. The C functions support usual events only.
For all others they return None, and the caller calls the twin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Text: TypeAlias = bytes | memoryview
    #: Begin and end of a line that must be parsed, and True if it is plain; see ``events.prefilter.ClassifiedLines``.
    LineSpan: TypeAlias = tuple[int, int, bool]
    ClassifyLines: TypeAlias = Callable[
        [Text, frozenset[bytes], int | None],
        tuple[int, int, list[int], dict[bytes, int], list[LineSpan], tuple[Any, ...]],
    ]
    ReadEvent: TypeAlias = Callable[..., Any]
    XapiStatement: TypeAlias = Callable[..., Any]
    CaliperStatement: TypeAlias = Callable[..., Any]
    TransformLine: TypeAlias = Callable[..., Any]
    ScanLines: TypeAlias = Callable[[Text, int], tuple[Any, ...]]
    CountStatements: TypeAlias = Callable[[list[Any], bytes, int], tuple[Any, ...]]
    PackEvents: TypeAlias = Callable[[list[Any]], tuple[tuple[Any, ...], bytes] | None]
    NewTally: TypeAlias = Callable[[bytes, int], Any]
    CountTally: TypeAlias = Callable[[Any], tuple[Any, ...]]

#: The twin of each C function. ``new_tally`` and ``count_tally`` have none: without C code, there is nothing to tally.
TWINS: Mapping[str, str] = {
    "classify_lines": "log_replay.events.prefilter.classify_lines",
    "read_event": "log_replay.events.read_event",
    "xapi_statement": "log_replay.statements.native.xapi.statement.xapi_statement",
    "caliper_statement": "log_replay.statements.native.caliper.envelope.caliper_statement",
    "transform_line": "log_replay.statements.native.recipes.transform_line",
    "scan_lines": "log_replay.events.scanning.scan_lines",
    "count_statements": "log_replay.inspect.counting.count_statements",
    "pack_events": "log_replay.pipeline.workers.codec.pack_events",
}
#: The fields of the named tuples that the C code reads or creates, by class name.
LAYOUTS: Mapping[str, Sequence[str]] | None = None

try:
    _functions = import_module("log_replay._speedups.functions")
except ImportError:
    classify_lines: ClassifyLines | None = None
    read_event: ReadEvent | None = None
    xapi_statement: XapiStatement | None = None
    caliper_statement: CaliperStatement | None = None
    transform_line: TransformLine | None = None
    scan_lines: ScanLines | None = None
    count_statements: CountStatements | None = None
    pack_events: PackEvents | None = None
    new_tally: NewTally | None = None
    count_tally: CountTally | None = None
else:
    classify_lines = _functions.classify_lines
    read_event = _functions.read_event
    xapi_statement = _functions.xapi_statement
    caliper_statement = _functions.caliper_statement
    transform_line = _functions.transform_line
    scan_lines = _functions.scan_lines
    count_statements = _functions.count_statements
    pack_events = _functions.pack_events
    new_tally = _functions.new_tally
    count_tally = _functions.count_tally
    LAYOUTS = getattr(_functions, "LAYOUTS", {})


def check_layout(name: str, fields: Sequence[str]) -> None:
    """Check that a named tuple has the fields that the C code was compiled for.

    Raises:
        ImportError: it has others, so the extension was built from other sources.
    """
    if LAYOUTS is not None and tuple(LAYOUTS.get(name, ())) != tuple(fields):
        expected = ", ".join(LAYOUTS.get(name, ())) or "nothing"
        raise ImportError(
            f"C extension out of date: it expects the fields {expected} of {name}, not {', '.join(fields)}; "
            "run 'make .venv/.dev', or reinstall openedx-log-replay"
        )
