"""The code that runs in a worker: it transforms blocks from its parent, one after the other."""

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

from log_replay.pipeline.workers.codec import pack_results, unpack_blocks
from log_replay.pipeline.workers.numbers_pipe import NumbersPipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from multiprocessing.connection import Connection

    from log_replay.pipeline.transform_settings import TransformSettings
    from log_replay.pipeline.workers.shared_buffer import SharedBuffer
    from log_replay.records import BlockResult, LineBlock

#: The first number that a worker sends, once it can transform blocks.
READY = 0


class TransformName(NamedTuple):
    """The module and name of the function that opens the transform. It can be imported once Django is set up."""

    module: str
    function: str


def run_worker(
    connection: Connection,
    buffers: list[SharedBuffer],
    transform_name: TransformName,
    transform_settings: TransformSettings,
) -> None:
    """Read blocks from the buffers in turn and write their results into the same buffer, until the parent ends.

    The first error ends the worker. The parent receives it.
    """
    # Ctrl-C reaches the whole process group, but only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, name="parent", daemon=True).start()
    pipe = NumbersPipe(connection)
    try:
        with _open(transform_name, transform_settings) as transform:
            pipe.send(READY)
            for buffer in cycle(buffers):
                head_bytes = pipe.receive()
                if head_bytes is None:
                    return
                blocks = unpack_blocks(*buffer.read(head_bytes))
                pipe.send(buffer.write(*pack_results([*map(transform, blocks)])))
    except Exception as error:  # noqa: BLE001 - the parent raises it; MemoryError counts as the death of the worker
        with suppress(OSError):  # the parent is gone
            pipe.send_error(_picklable(error))


def _open(
    transform_name: TransformName, transform_settings: TransformSettings
) -> AbstractContextManager[Callable[[LineBlock], BlockResult]]:
    import django  # noqa: PLC0415 - only in workers
    from django.apps import apps  # noqa: PLC0415 - likewise

    if not apps.ready:
        django.setup()

    from log_replay.statement_log import configure_own_log  # noqa: PLC0415 - likewise

    configure_own_log()
    open_transform = getattr(import_module(transform_name.module), transform_name.function)
    opened: AbstractContextManager[Callable[[LineBlock], BlockResult]] = open_transform(transform_settings)
    return opened


def _exit_with_parent() -> None:
    """End this process when its parent ends: a killed parent cannot end its workers itself."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _picklable(error: Exception) -> Exception:
    """Return the error with its traceback as a note; if it cannot be pickled, return an error that can."""
    error.add_note("".join(("In a worker:\n", *traceback.format_exception(error))))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - written by this process
    except Exception:  # noqa: BLE001 - pickling runs code of the error's class
        replacement = RuntimeError(f"{type(error).__name__} in a worker")
        replacement.__notes__ = error.__notes__
        return replacement
    return error
