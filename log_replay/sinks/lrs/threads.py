"""Requests under way at the same time, which one interrupt abandons together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class Abandoned(Exception):
    """Nobody waits for this any more; never leaves the sinks."""


class Threads:
    """Runs calls at the same time, the first of them in this very thread.

    With one call there is no thread but the caller's. The others are daemons, so that a process that is told to end
    need not wait for an answer of somebody who has stopped answering.
    """

    def __init__(self) -> None:
        self._abandoned = threading.Event()

    def run(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Return what the calls return, in their order, once all of them have.

        Raises:
            BaseException: what the first of those that raised has raised; an interrupt of this thread abandons the
                others where they are.
        """
        results: dict[int, T] = {}
        errors: dict[int, BaseException] = {}

        def call(number: int) -> None:
            try:
                results[number] = calls[number]()
            except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
                errors[number] = error

        threads = [
            threading.Thread(target=call, args=(number,), name=f"lane-{number}", daemon=True)
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
        """Rest, unless nobody waits for this lane any more.

        Raises:
            Abandoned: nobody does.
        """
        if self._abandoned.wait(max(0.0, seconds)):
            raise Abandoned
