"""Requests that run at the same time, in threads, and that one interrupt abandons together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class Abandoned(Exception):
    """The result of this thread is no longer needed; never leaves the sinks."""


class Threads:
    """Run functions at the same time, the first one in the caller's thread.

    One function needs no further thread. The other threads are daemons: a process that was told to end does not wait
    for a server that no longer responds.
    """

    def __init__(self) -> None:
        self._abandoned = threading.Event()

    def run(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Return the results of all functions in their order, when the last one has returned.

        Raises:
            Exception: the error of the first function in order that raised one, when all have ended.
            BaseException: an interrupt of the caller's thread, at once; the other threads are abandoned.
        """
        results: dict[int, T] = {}
        errors: dict[int, BaseException] = {}

        def call(number: int) -> None:
            try:
                results[number] = calls[number]()
            except Exception as error:  # noqa: BLE001 - raised in the caller's thread
                errors[number] = error

        threads = [
            threading.Thread(target=call, args=(number,), name=f"lrs-{number}", daemon=True)
            for number in range(1, len(calls))
        ]
        try:
            for thread in threads:
                thread.start()
            if calls:
                call(0)
            for thread in threads:
                thread.join()
        except BaseException:
            self._abandoned.set()
            raise
        if errors:
            raise errors[min(errors)]
        return [results[number] for number in range(len(calls))]

    def sleep(self, seconds: float) -> None:
        """Sleep, unless the thread is abandoned.

        Raises:
            Abandoned: the thread is abandoned.
        """
        if self._abandoned.wait(max(0.0, seconds)):
            raise Abandoned
