"""What is compiled (see ``_compiled.c``); None where there was no C compiler when this was installed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.records import Event, Position
    from log_replay.statements.native.xapi.opening import Frame

    #: Where in a text a line that must be parsed begins and ends, and whether it is plain; see ``prefilter.Sifted``.
    Place: TypeAlias = tuple[int, int, bool]
    Sift: TypeAlias = Callable[[bytes, frozenset[bytes]], tuple[int, int, list[int], dict[bytes, int], list[Place]]]
    Load: TypeAlias = Callable[[bytes | str], Any]
    NewEvent: TypeAlias = Callable[[tuple[Any, ...]], Event]
    ReadEvent: TypeAlias = Callable[[Load, NewEvent, bytes, Position], Event | None]
    OpenStatement: TypeAlias = Callable[[Frame, str, Any], tuple[str, bytes] | None]

try:
    _compiled = import_module("log_replay._compiled")
except ImportError:
    sift: Sift | None = None
    read_event: ReadEvent | None = None
    open_statement: OpenStatement | None = None
else:
    sift = _compiled.sift
    read_event = _compiled.read_event
    open_statement = _compiled.open_statement
