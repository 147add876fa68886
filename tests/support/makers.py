"""What workers make of blocks here: whatever the block's text says."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from log_replay.errors import IdentityError
from log_replay.records import BlockResult, Position, Statement, TransformedEvent

if TYPE_CHECKING:
    from pathlib import Path


class Obstinate(Exception):
    """Cannot be made from what it says of itself."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


@contextmanager
def open_transform(folder: Path):
    """Open a maker; the folder is where those that die leave a mark."""
    if folder is None:
        raise IdentityError("nobody is in", operation="look up")

    def make(block):
        text = bytes(block.text)
        match text.split():
            case [b"raise"]:
                raise IdentityError("gone", operation="look up", object="lms", offset=7, hint="wait")
            case [b"obstinate"]:
                raise Obstinate(1, 2)
            case [b"exit"]:
                raise SystemExit
            case [b"sleep"]:
                time.sleep(60)
            case [b"die", name] if not (mark := folder / name.decode()).exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            case [b"die"]:
                os.kill(os.getpid(), signal.SIGKILL)
        statement = Statement("id", "now", text)
        return BlockResult(
            block.object,
            block.end_offset,
            events=[TransformedEvent(Position(block.object, block.start), "event", (statement,))],
        )

    yield make
