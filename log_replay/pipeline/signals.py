"""Handle SIGTERM and SIGINT: the first signal lets the run finish the batch in flight, the second ends it at once.

Handlers are installed for both signals, since process 1 of a container receives no signal without a handler.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: The exit code of a run that stopped before its end.
INCOMPLETE = 1


@dataclass
class _State:
    """The state of the signal handlers of this process."""

    grace_seconds: float = 0.0
    first: str | None = None
    deferred: bool = False


_state = _State()


@contextmanager
def handle_signals(grace_seconds: float) -> Iterator[None]:
    """Let SIGTERM and SIGINT raise KeyboardInterrupt. In threads other than the main one, this does nothing.

    Args:
        grace_seconds: the time limit for code in ``defer_signals`` after the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.grace_seconds, _state.first, _state.deferred = grace_seconds, None, False
    handlers = {**dict.fromkeys(SIGNALS, _interrupt), signal.SIGALRM: _end_of_grace}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


class defer_signals:  # noqa: N801 - a context manager, of a class because a generator takes three times as long
    """Defer the first signal until the end of the context, at most for the grace time.

    Raises:
        KeyboardInterrupt: a signal was received meanwhile.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = _state.first
        _state.deferred = True

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        _state.deferred = False
        if _state.first != self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if error is None:
                raise KeyboardInterrupt(_state.first)


def _interrupt(number: int, _frame: object) -> None:
    if _state.first:
        _end_at_once()
    _state.first = signal.Signals(number).name
    if not _state.deferred:
        raise KeyboardInterrupt(_state.first)
    signal.setitimer(signal.ITIMER_REAL, _state.grace_seconds or sys.float_info.min)


def _end_of_grace(_number: int, _frame: object) -> None:
    if _state.deferred:
        raise KeyboardInterrupt(
            f"{_state.first}; the batch in flight took longer than {_state.grace_seconds:g} seconds"
        )


def _end_at_once() -> None:
    # Nothing can hang here. The ledger holds every acknowledged batch.
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(INCOMPLETE)
