"""HTTP servers that can break connections at any point."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class UnrulyHandler(BaseHTTPRequestHandler):
    """Responds to requests, or resets the connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def reset(self) -> None:
        """Reset the connection, as a machine that goes down does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def handle(self):
        with contextlib.suppress(OSError, ValueError):  # the client or the test closed the connection
            super().handle()

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_):
        pass


class UnrulyServer(ThreadingHTTPServer):
    """A server on a free port, in its own thread, from ``start`` to ``stop``."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler: type[UnrulyHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._thread.is_alive():
            self.shutdown()
            self.server_close()
            self._thread.join()

    def shutdown_request(self, request):
        with contextlib.suppress(OSError):
            super().shutdown_request(request)
