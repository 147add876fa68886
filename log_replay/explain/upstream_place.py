"""Where an exception was raised in event-routing-backends: file, line and function."""

from __future__ import annotations

import inspect
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UPSTREAM = "event_routing_backends"


def exception_place(error: BaseException) -> str | None:
    """Return the innermost place in event-routing-backends that an exception came through.

    It looks like ``event_routing_backends/helpers.py:81 in get_anonymous_user_id: ValueError``. The message of the
    exception is left out, since it can name a learner.
    """
    for raised in _chain(error):
        places = [
            (frame.f_code.co_filename, line, frame.f_code.co_qualname if hasattr(frame.f_code, "co_qualname") else "")
            for frame, line in walk_tb(raised.__traceback__)
            if f"/{UPSTREAM}/" in Path(frame.f_code.co_filename).as_posix()
        ]
        if places:
            file, line, function = places[-1]
            return f"{_short(file)}:{line} in {function}" + ("" if _is_ours(raised) else f": {type(raised).__name__}")
    return None


def class_place(found: type) -> str:
    """Return the place of a class, such as ``event_routing_backends/processors/...py:20``."""
    try:
        file, line = inspect.getsourcefile(found), inspect.getsourcelines(found)[1]
    except (OSError, TypeError):
        return found.__module__
    return f"{_short(file or found.__module__)}:{line}"


def _is_ours(error: BaseException) -> bool:
    """Return True for an error that our identities raised inside event-routing-backends' code."""
    return type(error).__module__.startswith("log_replay.")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions that led to an exception, the first one first."""
    before = error.__cause__ or error.__context__
    if before is not None:
        yield from _chain(before)
    yield error


def _short(file: str) -> str:
    """Return a path from its top-level package on."""
    path = Path(file).as_posix()
    for folder in ("site-packages/", "dist-packages/"):
        if folder in path:
            return path.rpartition(folder)[2]
    return path[path.index(f"/{UPSTREAM}/") + 1 :] if f"/{UPSTREAM}/" in path else path
