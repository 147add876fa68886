"""Listeners on sockets that read lines and can simulate failures."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import Any, Self


class Listener:
    """A listener that reads lines from every connection until it is stopped.

    Args:
        address: host and port (0 selects a free one), or the path of a Unix socket.
        fail_after: after this many bytes, reset the connection and stop listening.
        reads: False accepts connections and reads nothing.
        ends_first: end its direction of a connection at once, read nothing, and stop half a second later.
    """

    def __init__(
        self,
        address: Any = ("127.0.0.1", 0),
        *,
        fail_after: int | None = None,
        reads: bool = True,
        ends_first: bool = False,
    ) -> None:
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(address)
        self._socket.listen()
        self._socket.settimeout(0.05)
        self.address = self._socket.getsockname()
        self.received: list[bytes] = []
        self._fail_after = fail_after
        self._reads = reads
        self._ends_first = ends_first
        #: Set once the listener has ended its direction of a connection.
        self.ended = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        if isinstance(self.address, tuple):
            return f"tcp://127.0.0.1:{self.address[1]}"
        return f"unix:{self.address}"

    @property
    def lines(self) -> list[bytes]:
        """Return the complete lines of all connections."""
        return [line for received in self.received for line in received.split(b"\n")[:-1]]

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self) -> None:
        with self._socket:
            while not self._stopped.is_set():
                try:
                    connection, _ = self._socket.accept()
                except TimeoutError:
                    continue
                with connection:
                    self._read(connection)

    def _read(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        self.received.append(b"")
        if self._ends_first:
            connection.shutdown(socket.SHUT_WR)
            self.ended.set()
            self._stopped.wait(0.5)
            self._stopped.set()
        while not self._stopped.is_set():
            if not self._reads:
                time.sleep(0.02)
                continue
            try:
                data = connection.recv(4096)
            except TimeoutError:
                continue
            except ConnectionResetError:
                return
            if not data:
                return
            self.received[-1] += data
            if self._fail_after and sum(map(len, self.received)) >= self._fail_after:
                # Reset the connection, and discard what was not read.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._stopped.set()
