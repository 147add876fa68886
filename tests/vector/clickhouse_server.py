"""A ClickHouse engine (chdb) behind the part of ClickHouse's HTTP interface that inserts need; prints its port.

Run as a process of its own: an engine cannot share one with another, and does not survive a fork.

Usage: clickhouse_server.py FOLDER PASSWORD
"""

from __future__ import annotations

import base64
import gzip
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb.session import Session

# As Aspects' migrations have them.
SCHEMA = """
CREATE DATABASE openedx;
CREATE DATABASE xapi;
CREATE TABLE openedx.xapi_events_all (event_id UUID, emission_time DateTime64(6), event String)
    ENGINE = ReplacingMergeTree ORDER BY (emission_time, event_id);
CREATE TABLE xapi.xapi_events_all (event_id UUID, emission_time DateTime64(6), event String)
    ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(emission_time) ORDER BY (emission_time, event_id);
CREATE TABLE openedx._tracking (time DateTime, message String) ENGINE = MergeTree ORDER BY time;
CREATE TABLE openedx.traced (event_id UUID, emission_time DateTime64(6), event String, event_name String,
    source_object String, source_offset UInt64) ENGINE = ReplacingMergeTree ORDER BY (emission_time, event_id);
"""


class Handler(BaseHTTPRequestHandler):
    """Answers ``POST /?setting=...&query=...`` with the query's text before the body.

    One request a connection (HTTP/1.0), for the engine wants all its queries from one thread.
    """

    session: Session
    authorization: str

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.headers.get("Authorization") != self.authorization:
            return self.answer(HTTPStatus.FORBIDDEN, b"Authentication failed")
        parameters = dict(parse_qsl(urlsplit(self.path).query))
        query = parameters.pop("query", "")
        settings = ", ".join(f"{name} = '{value}'" for name, value in parameters.items())
        if settings and " FORMAT " in query:
            query = query.replace(" FORMAT ", f" SETTINGS {settings} FORMAT ")
        try:
            answer = self.session.query(f"{query}\n{body.decode()}", "JSONEachRow").bytes()
        except RuntimeError as error:
            return self.answer(HTTPStatus.INTERNAL_SERVER_ERROR, str(error).encode())
        return self.answer(HTTPStatus.OK, answer or b"")

    def do_GET(self):
        self.answer(HTTPStatus.OK, b"Ok.\n")

    def answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


def main(folder: str, password: str) -> None:
    Handler.session = Session(folder)
    for statement in filter(str.strip, SCHEMA.split(";")):
        Handler.session.query(statement)
    Handler.authorization = "Basic " + base64.b64encode(f"default:{password}".encode()).decode()
    server = HTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
