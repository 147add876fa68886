"""A transform whose behaviour the text of each block decides, for tests of worker processes."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from log_replay.errors import IdentityError
from log_replay.records import BlockResult, Position, Statement, TransformedEvent, lines_of

if TYPE_CHECKING:
    from pathlib import Path


class Unpicklable(Exception):
    """An error that pickle cannot build again from its arguments."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


@contextmanager
def open_transform(folder: Path):
    """Open the transform. ``folder`` holds a file for each block that has killed a worker already."""
    if folder is None:
        raise IdentityError("no such folder", operation="look up")
    if (folder / "kill-at-start").exists():
        os.kill(os.getpid(), signal.SIGKILL)

    def transform(block):
        text = bytes(block.text)
        match text.split():
            case [b"raise"]:
                raise IdentityError("gone", operation="look up", object="lms", offset=7, hint="wait")
            case [b"unpicklable"]:
                raise Unpicklable(1, 2)
            case [b"exit"]:
                raise SystemExit
            case [b"sleep"]:
                time.sleep(60)
            case [b"die", name] if not (died_once := folder / name.decode()).exists():
                died_once.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            case [b"memory", name] if not (failed_once := folder / name.decode()).exists():
                failed_once.touch()
                raise MemoryError
            case words if words == [b"die"] or b"poison" in words:
                os.kill(os.getpid(), signal.SIGKILL)
        events = [
            TransformedEvent(Position(block.object, offset), "event", (Statement("id", "now", line),))
            for line, offset in lines_of(block)
        ]
        return BlockResult(block.object, block.end_offset, events=events)

    yield transform
