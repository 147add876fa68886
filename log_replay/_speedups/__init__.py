"""What is compiled of the C beside it; None where there was no C compiler when this was installed.

``sifting.c`` does what ``events.prefilter`` does, ``events.c`` what ``events.parse_event`` does, and ``statements.c``
what the native statements' ``..._in_python`` do; ``module.c`` makes the module of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Begin and end of a line that must be parsed, and whether it is plain; see ``events.prefilter.ClassifiedLines``.
    Place: TypeAlias = tuple[int, int, bool]
    ClassifyLines: TypeAlias = Callable[
        [bytes | memoryview, frozenset[bytes]], tuple[int, int, list[int], dict[bytes, int], list[Place]]
    ]
    ReadEvent: TypeAlias = Callable[..., Any]
    XapiStatement: TypeAlias = Callable[..., Any]
    CaliperStatement: TypeAlias = Callable[..., Any]

try:
    _functions = import_module("log_replay._speedups.functions")
except ImportError:
    classify_lines: ClassifyLines | None = None
    read_event: ReadEvent | None = None
    xapi_statement: XapiStatement | None = None
    caliper_statement: CaliperStatement | None = None
else:
    classify_lines = _functions.classify_lines
    read_event = _functions.read_event
    xapi_statement = _functions.xapi_statement
    caliper_statement = _functions.caliper_statement
