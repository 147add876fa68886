"""An interrupt after a delay."""

from __future__ import annotations

import signal
from contextlib import contextmanager


@contextmanager
def interrupted_after(seconds):
    """Interrupt this thread after some seconds, as Ctrl-C does."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
