"""What of reading events is compiled, where there was a C compiler when this was installed; see ``_reading.c``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.records import Event, Position

    #: Where in a text a line that must be parsed begins and ends, and whether it is plain; see ``prefilter.Sifted``.
    Place: TypeAlias = tuple[int, int, bool]
    Sift: TypeAlias = Callable[[bytes, frozenset[bytes]], tuple[int, int, list[int], dict[bytes, int], list[Place]]]
    Load: TypeAlias = Callable[[bytes | str], Any]
    NewEvent: TypeAlias = Callable[[tuple[Any, ...]], Event]
    ReadEvent: TypeAlias = Callable[[Load, NewEvent, bytes, Position], Event | None]

try:
    _reading = import_module("log_replay.events._reading")
except ImportError:
    sift: Sift | None = None
    read_event: ReadEvent | None = None
else:
    sift = _reading.sift
    read_event = _reading.read_event
