"""A ClickHouse engine (chdb) behind ClickHouse's HTTP interface; prints its port.

Faults can be ordered beforehand: ``POST /faults`` with ``[[status, error code, "before" or "after"], ...]``; each is
given to one insert, before or after the engine has done it. ``0`` for a status breaks the connection.

Run as a process of its own: an engine cannot share one with another, and does not survive a fork.

Usage: clickhouse_front.py FOLDER PASSWORD
"""

from __future__ import annotations

import base64
import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import chdb

#: What the HTTP interface takes beside settings and parameters.
NO_SETTINGS = {"query", "database", "param", "compress", "session_id", "query_id", "enable_http_compression"}


class Handler(BaseHTTPRequestHandler):
    """One request a connection (HTTP/1.0), for the engine wants all its queries from one thread."""

    connection_to: chdb.state.sqlitelike.Connection
    authorization: str
    faults: ClassVar[list] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path == "/faults":
            self.faults[:] = json.loads(body)
            return self.answer(HTTPStatus.OK, b"")
        if self.headers.get("Authorization") != self.authorization:
            return self.answer(HTTPStatus.FORBIDDEN, b"Code: 516. DB::Exception: (AUTHENTICATION_FAILED)", 516)
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        query = "\n".join(filter(None, [given.get("query", ""), body.decode()]))
        inserting = query.lstrip().upper().startswith("INSERT")
        status, code, when = self.faults.pop(0) if inserting and self.faults else (None, None, None)
        if when == "before":
            return self.fail(status, code)
        parameters = {name.removeprefix("param_"): text for name, text in given.items() if name.startswith("param_")}
        try:
            answer = self.connection_to.query(query, "TabSeparated", params=parameters).bytes()
        except RuntimeError as error:
            code = int(str(error).partition("Code: ")[2].partition(".")[0] or 0)
            return self.answer(HTTPStatus.INTERNAL_SERVER_ERROR, str(error).encode(), code)
        return self.fail(status, code) if when == "after" else self.answer(HTTPStatus.OK, answer or b"")

    def do_GET(self):
        self.do_POST()

    def fail(self, status, code):
        if status:
            said = f"Code: {code}. DB::Exception: as ordered: secret row" if code else "as ordered: secret row"
            self.answer(status, said.encode(), code)
        else:
            self.connection.close()

    def answer(self, status, content, code=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-ClickHouse-Timezone", "UTC")
        if code:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


def main(folder: str, password: str) -> None:
    Handler.connection_to = chdb.connect(folder)
    Handler.authorization = "Basic " + base64.b64encode(f"default:{password}".encode()).decode()
    server = HTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
