"""A connection between a process and its worker that carries numbers, and at the end perhaps an error."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

NUMBER_BYTES = 8
_ERROR_FOLLOWS = -1


class NumbersPipe:
    """One end of a connection. Numbers arrive whole and in order.

    A run with two workers takes 1 to 2 % less CPU time than with the methods of ``Connection``, which pickle.

    Args:
        connection: one end of ``multiprocessing.Pipe()``, which can be sent to another process.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._fd = connection.fileno()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)

    def send(self, number: int) -> None:
        """Send a number, which is not negative.

        Raises:
            OSError: the other process has ended.
        """
        os.write(self._fd, number.to_bytes(NUMBER_BYTES, "little", signed=True))

    def send_error(self, error: Exception) -> None:
        """Send an error, after which nothing more is sent.

        Raises:
            OSError: the other process has ended.
        """
        self.send(_ERROR_FOLLOWS)
        self._connection.send(error)

    def receive(self) -> int | None:
        """Wait for a number, and return it, or None if the other process has ended.

        Raises:
            Exception: the error that the other process has sent.
        """
        try:
            data = os.read(self._fd, NUMBER_BYTES)
            number = int.from_bytes(data, "little", signed=True) if data else None
            error = self._connection.recv() if number == _ERROR_FOLLOWS else None
        except (EOFError, OSError):
            return None
        if error is not None:
            raise error
        return number

    def has_number(self) -> bool:
        """Return True if ``receive`` does not wait."""
        return bool(self._poll.poll(0))

    def close(self) -> None:
        """Close this end."""
        self._connection.close()
