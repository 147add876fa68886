"""What other users of this machine can read of a running process: its command line, with what may be secret in it."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROCESS = Path("/proc/self")
#: Where the arguments begin and end in memory: fields 48 and 49 of ``stat``, of which the first two precede these.
_ARG_START, _ARG_END = 48 - 3, 49 - 3
_SHORTEST = 4


def hide_arguments(texts: Iterable[str]) -> None:
    """Overwrite these texts in the process's command line, where the system lets it be known (Linux).

    Until then they can be read there: what is never given as an argument is safer.
    """
    with suppress(OSError, ValueError, IndexError):
        shown = (_PROCESS / "cmdline").read_bytes()
        stat = (_PROCESS / "stat").read_text().rpartition(")")[2].split()
        start, end = int(stat[_ARG_START]), int(stat[_ARG_END])
        if not start or end - start != len(shown):
            return
        if ctypes.string_at(start, len(shown)) != shown:
            return
        for text in texts:
            hidden = text.encode(errors="surrogateescape")
            if len(hidden) >= _SHORTEST:
                shown = shown.replace(hidden, b"*" * len(hidden))
        ctypes.memmove(start, shown, len(shown))
