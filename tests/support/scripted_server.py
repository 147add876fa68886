"""An HTTP server with scripted responses that records its requests."""

from __future__ import annotations

import gzip
import json
import ssl
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from tests.support.unruly_http import UnrulyHandler, UnrulyServer

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path


@dataclass
class LrsResponse:
    """A response; ``reset`` closes the connection instead, ``delay_seconds`` delays the response.

    The default body of a success names the statements of the request, as xAPI requires.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    reset: bool = False
    delay_seconds: float = 0


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    moment: float


def _ids(body: bytes, headers: Message) -> bytes:
    """Return the ids of the statements in a request, as JSON."""
    try:
        statements = json.loads(gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body)
        return json.dumps([statement["id"] for statement in statements]).encode()
    except (ValueError, KeyError, TypeError):
        return b"[]"


class _Handler(UnrulyHandler):
    scripted: ScriptedServer

    def setup(self):
        super().setup()
        self.scripted.connections += 1

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.scripted.next_answer(Asked(self.command, self.path, dict(self.headers), body, time.monotonic()))
        time.sleep(answer.delay_seconds)
        if answer.reset:
            self.reset()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        content = answer.body
        if content is None:
            content = _ids(body, self.headers) if answer.status == HTTPStatus.OK else b"[]"
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer  # noqa: N815 - names that http.server requires


class ScriptedServer:
    """Responds with the entries of ``script`` in turn, and repeats the last one.

    Args:
        certificate: a file with a certificate and its key, to speak TLS.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.script = [LrsResponse()]
        self.asked: list[Asked] = []
        self.connections = 0
        self._server = UnrulyServer(type("Handler", (_Handler,), {"scripted": self}))
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/xAPI"

    def next_answer(self, asked: Asked) -> LrsResponse:
        """Record a request and return its response."""
        self.asked.append(asked)
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.stop()

    @property
    def posted(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "POST"]
