"""A proxy in front of a real object store that breaks downloads on demand."""

import socket
import struct
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def status(code, **headers):
    """Send a status instead of the object."""

    def act(handler, _status, _headers, _body):
        handler.answer(code, [(name.replace("_", "-"), value) for name, value in headers.items()], b"no")

    return act


def reset_after(count):
    """Announce the whole body, send its first bytes, and reset the connection."""

    def act(handler, code, headers, body):
        handler.answer(code, headers, body, give=count)
        # With a linger time of 0, closing sends a reset at once.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()

    return act


def cut_after(count):
    """Announce the whole body, send its first bytes, and close the connection normally."""

    def act(handler, code, headers, body):
        handler.answer(code, headers, body, give=count)

    return act


def shortened_to(count):
    """Send the first bytes, and announce only these."""

    def act(handler, code, headers, body):
        handler.answer(code, headers, body[:count])

    return act


def whole_object(handler, _code, headers, _body):
    """Ignore the requested range."""
    _, headers, body = handler.forward(without_range=True)
    handler.answer(206, headers, body)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        code, headers, body = self.forward()
        server = self.server
        server.requests.append((self.path, self.headers.get("Range")))
        # A listing requests the bucket, the first part of the path.
        is_listing = self.path.partition("?")[0].strip("/").count("/") == 0
        faults = server.listing_faults if is_listing else server.faults
        fault = faults.pop(0) if faults else None
        if fault is None:
            self.answer(code, headers, body)
        else:
            fault(self, code, headers, body)

    def do_HEAD(self):
        code, headers, _ = self.forward()
        self.answer(code, headers, b"")

    def forward(self, *, without_range=False):
        upstream = HTTPConnection("127.0.0.1", self.server.upstream_port, timeout=10)
        headers = {name: value for name, value in self.headers.items() if not (without_range and name == "Range")}
        upstream.request(self.command, self.path, headers=headers)
        response = upstream.getresponse()
        body = response.read()
        upstream.close()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]
        return response.status, kept, body

    def answer(self, code, headers, body, give=None):
        self.send_response_only(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[:give])
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_):
        pass

    def finish(self):
        if self.connection.fileno() != -1:
            super().finish()


HOP_BY_HOP = {"content-length", "connection", "transfer-encoding"}


class FaultyProxy(ThreadingHTTPServer):
    """A proxy that applies one of ``faults`` to each download, one of ``listing_faults`` to each listing.

    None is no fault.
    """

    daemon_threads = True

    def __init__(self, upstream_port):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream_port = upstream_port
        self.faults = []
        self.listing_faults = []
        self.requests = []
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, *_):
        """Do nothing: tests close connections on purpose."""

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self._thread.join()
        self.server_close()
