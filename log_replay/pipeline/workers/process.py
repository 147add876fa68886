"""What runs in a worker: it makes the results of the blocks that its parent gives it, one after the other."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from contextlib import suppress
from importlib import import_module
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from log_replay.pipeline.workers.codec import pack_result, unpack_block

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection

    from log_replay.options import Options
    from log_replay.pipeline.workers.shared_buffer import SharedBuffer
    from log_replay.records import BlockResult, LineBlock


class TransformName(NamedTuple):
    """What opens a run's maker, by name: it cannot be imported before Django is set up."""

    module: str
    function: str


def work(connection: Connection, buffers: list[SharedBuffer], maker: TransformName, options: Options) -> None:
    """Take blocks from the buffers, in turn, and put their results into the same; end with what making one raises."""
    # Ctrl-C reaches the whole group of processes; it is the parent who says what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        with _open(maker, options) as make:
            for buffer in cycle(buffers):
                block = unpack_block(*buffer.take(connection.recv()))
                connection.send(buffer.put(*pack_result(make(block))))
    except Exception as error:  # noqa: BLE001 - it is the parent's
        with suppress(OSError):  # which is gone
            connection.send(_portable(error))


def _open(maker: TransformName, options: Options) -> AbstractContextManager[Callable[[LineBlock], BlockResult]]:
    import django  # noqa: PLC0415 - only in workers
    from django.apps import apps  # noqa: PLC0415 - likewise

    if not apps.ready:
        django.setup()

    from log_replay.statement_log import configure_own_log  # noqa: PLC0415 - likewise

    configure_own_log()
    opened: AbstractContextManager[Callable[[LineBlock], BlockResult]]
    opened = getattr(import_module(maker.module), maker.function)(options)
    return opened


def _end_with_parent() -> None:
    """End this worker when its parent does: one that was killed could not tell it to."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _portable(error: Exception) -> Exception:
    """Return the error, with where it was raised in words; what cannot travel, as one that can."""
    error.add_note("".join(("In a worker:\n", *traceback.format_exception(error))))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever it has against it
        stand_in = RuntimeError(f"{type(error).__name__} in a worker")
        stand_in.__notes__ = error.__notes__
        return stand_in
    return error
