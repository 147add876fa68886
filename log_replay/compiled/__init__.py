"""What is compiled of the C beside it; None where there was no C compiler when this was installed.

``sifting.c`` does what ``events.prefilter`` does, ``events.c`` what ``events.parse_event`` does, and ``statements.c``
what the native statements' ``..._in_python`` do; ``module.c`` makes the module of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.records import Event, EventFields, Position, Statement, Text
    from log_replay.statements.native.caliper.envelope import Frame as CaliperFrame
    from log_replay.statements.native.xapi.statement import Frame as XapiFrame
    from log_replay.statements.native.xapi.statement import Parts

    #: Where in a text a line that must be parsed begins and ends, and whether it is plain; see ``prefilter.Sifted``.
    Place: TypeAlias = tuple[int, int, bool]
    Sift: TypeAlias = Callable[[Text, frozenset[bytes]], tuple[int, int, list[int], dict[bytes, int], list[Place]]]
    Load: TypeAlias = Callable[[bytes | str], Any]
    ReadEvent: TypeAlias = Callable[[Load, type[Event], type[Position], str, Text, int, int, int], Event | None]
    XapiStatement: TypeAlias = Callable[[XapiFrame, type[Statement], EventFields, str, Parts], Statement | None]
    CaliperStatement: TypeAlias = Callable[
        [CaliperFrame, type[Statement], bytes, EventFields, str, str, str], Statement | None
    ]

try:
    _functions = import_module("log_replay.compiled.functions")
except ImportError:
    sift: Sift | None = None
    read_event: ReadEvent | None = None
    xapi_statement: XapiStatement | None = None
    caliper_statement: CaliperStatement | None = None
else:
    sift = _functions.sift
    read_event = _functions.read_event
    xapi_statement = _functions.xapi_statement
    caliper_statement = _functions.caliper_statement
