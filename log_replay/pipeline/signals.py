"""Signals that end a run: the first lets it finish the batch in flight, the second ends it at once.

Handlers are installed for SIGTERM and SIGINT explicitly, since the kernel gives process 1 of a container no others.
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
#: The exit code of a run that is ended at once: that of any that stopped before its end.
INCOMPLETE = 1


@dataclass
class _State:
    """What of signals a process has but once."""

    grace_seconds: float = 0.0
    first: str | None = None
    held: bool = False


_state = _State()


@contextmanager
def handle_signals(grace_seconds: float) -> Iterator[None]:
    """Let SIGTERM and SIGINT raise KeyboardInterrupt, where signals are ours to handle.

    Args:
        grace_seconds: how long what is ``held`` may take after the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.grace_seconds, _state.first, _state.held = grace_seconds, None, False
    handlers = {**dict.fromkeys(SIGNALS, _interrupt), signal.SIGALRM: _grace_is_over}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Let signals wait for what is done here: not longer than the grace, and only the first.

    Raises:
        KeyboardInterrupt: a signal came meanwhile.
    """
    before = _state.first
    _state.held = True
    try:
        yield
    finally:
        _state.held = False
        if _state.first != before:
            signal.setitimer(signal.ITIMER_REAL, 0)
    if _state.first != before:
        raise KeyboardInterrupt(_state.first)


def _interrupt(number: int, _frame: object) -> None:
    if _state.first:
        _end_at_once()
    _state.first = signal.Signals(number).name
    if not _state.held:
        raise KeyboardInterrupt(_state.first)
    signal.setitimer(signal.ITIMER_REAL, _state.grace_seconds or sys.float_info.min)


def _grace_is_over(_number: int, _frame: object) -> None:
    if _state.held:
        raise KeyboardInterrupt(
            f"{_state.first}; the batch in flight took longer than {_state.grace_seconds:g} seconds"
        )


def _end_at_once() -> None:
    # Nothing that may hang is waited for; what is recorded is what was acknowledged.
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(INCOMPLETE)
