"""Where an exception was raised in event-routing-backends, and the field of the event that it is about.

The message of an exception is never shown, since it can name a learner. Source code and names of fields can be shown.
"""

from __future__ import annotations

import inspect
from linecache import getline
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, NamedTuple

from log_replay.events.prefilter import SHOWABLE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

UPSTREAM = "event_routing_backends"
#: Upstream's method for reading a field, which its argument ``key`` names.
READS_FIELD, KEY = "BaseTransformerMixin.get_data", "key"
#: Upstream's prefix for what is in ``event`` in the log.
DATA = "data."


class RaisedAt(NamedTuple):
    """Where an exception was raised.

    Attributes:
        lines: the place in event-routing-backends, its line of code, and the place in another package if the exception
            was raised there.
        missing: the field of the event that is missing or empty, if that is the cause.
    """

    lines: list[str]
    missing: str | None


def raised_at(error: BaseException) -> RaisedAt | None:
    """Return the innermost place in event-routing-backends that an exception came through, or None.

    It looks like ``event_routing_backends/helpers.py:81 in get_anonymous_user_id: ValueError``.
    """
    for raised in _chain(error):
        frames = list(walk_tb(raised.__traceback__))
        upstream = [number for number, (frame, _) in enumerate(frames) if f"/{UPSTREAM}/" in _path(frame)]
        if not upstream:
            continue
        last = upstream[-1]
        frame, line = frames[last]
        ours = type(raised).__module__.startswith("log_replay.")
        lines = [_place(frame, line) + ("" if ours else f": {type(raised).__name__}")]
        reads_field = frame.f_code.co_qualname == READS_FIELD
        # The caller says more than the method that reads a field.
        shown, shown_line = frames[upstream[-2]] if reads_field and len(upstream) > 1 else (frame, line)
        if code := getline(shown.f_code.co_filename, shown_line).strip():
            lines.append(f"{Path(_path(shown)).name}:{shown_line}: {code}")
        inner, inner_line = frames[-1]
        if last < len(frames) - 1 and not ours:
            lines.append(f"called {_place(inner, inner_line)}")
        return RaisedAt(lines, _missing(raised, frame if reads_field else None, in_upstream=last == len(frames) - 1))
    return None


def class_place(found: type) -> str:
    """Return the place of a class, such as ``event_routing_backends/processors/...py:20``."""
    try:
        file, line = inspect.getsourcefile(found), inspect.getsourcelines(found)[1]
    except (OSError, TypeError):
        return found.__module__
    return f"{_short(file or found.__module__)}:{line}"


def _missing(error: BaseException, reads_field: FrameType | None, *, in_upstream: bool) -> str | None:
    """Return the field that is missing: the one that upstream's code reads, or the key of a ``KeyError``."""
    key = None
    if reads_field is not None:
        key = reads_field.f_locals.get(KEY)
    elif isinstance(error, KeyError) and in_upstream:
        key = error.args[0] if error.args else None
    if not isinstance(key, str) or not SHOWABLE_NAME.fullmatch(key):
        return None
    return f"event.{key.removeprefix(DATA)}" if key.startswith(DATA) else key


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions that led to an exception, the first one first."""
    before = error.__cause__ or error.__context__
    if before is not None:
        yield from _chain(before)
    yield error


def _place(frame: FrameType, line: int) -> str:
    return f"{_short(_path(frame))}:{line} in {frame.f_code.co_qualname}"


def _path(frame: FrameType) -> str:
    return Path(frame.f_code.co_filename).as_posix()


def _short(file: str) -> str:
    """Return a path from its top-level package on."""
    path = Path(file).as_posix()
    for folder in ("site-packages/", "dist-packages/"):
        if folder in path:
            return path.rpartition(folder)[2]
    return path[path.index(f"/{UPSTREAM}/") + 1 :] if f"/{UPSTREAM}/" in path else Path(path).name
