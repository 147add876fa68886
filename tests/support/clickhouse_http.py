"""``python clickhouse_http.py PORT PATH``: the parts of ClickHouse's HTTP interface that tests need, over chdb.

The user is ``default`` with the password ``hunter3``. ``POST /faults`` accepts a JSON list of faults. Each applies to
the next request that its query matches:
``{"query": REGEX, "code": N, "status": N, "after": BOOL, "reset": BOOL, "delay_seconds": N}``. With ``after``, the
query runs before the fault. Without code, status and reset, the request succeeds. ``GET /asked`` returns the queries
since the faults were set.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import struct
import sys
import tempfile
import threading
import time
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame
from backports import zstd

CREDENTIALS = ("default", "hunter3")
#: Parameters of a request that are not settings of the query.
TRANSPORT = {"query", "database", "session_id", "query_id", "wait_end_of_query", "client_protocol_version",
             "send_progress_in_http_headers", "http_headers_progress_interval_ms", "enable_http_compression",
             "compress", "buffer_size"}  # fmt: skip
STATUSES = {60: 404, 81: 404, 164: 500, 241: 500, 252: 500, 497: 403, 516: 403}
INSERT = re.compile(rb"(?is)\s*(INSERT\s+INTO\s+.*?)\s+FORMAT\s+(\w+)\s*\n?")
DECOMPRESS = {"zstd": zstd.decompress, "gzip": gzip.decompress, "lz4": lz4.frame.decompress, None: bytes}


class Fault(Exception):
    def __init__(self, code: int, status: int) -> None:
        super().__init__(
            f"Code: {code}. DB::Exception: secret row. (INJECTED)" if code else "<h1>error page of a proxy</h1>"
        )
        self.code, self.status = code, status


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, path: str) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.path = path
        self.engine = chdb.connect(path)  # keeps it running
        self.lock = threading.Lock()
        self.faults: list[dict] = []
        self.asked: list[str] = []

    def fault(self, query: bytes) -> dict:
        for fault in self.faults:
            if re.match(fault["query"], query.decode("utf-8", "replace"), re.IGNORECASE):
                self.faults.remove(fault)
                return fault
        return {}

    def run(self, query: bytes, params: dict[str, str], data: bytes) -> bytes:
        with self.lock, tempfile.NamedTemporaryFile() as body:
            connection = chdb.connect(self.path)
            try:
                for name, value in params.items():
                    if name not in TRANSPORT and not name.startswith("param_"):
                        connection.query(f"SET {name} = '{value}'")
                insert = INSERT.match(query + b"\n" + data if b"FORMAT" not in query.upper() else query + b"\n")
                if insert:
                    body.write(data if not query[insert.end() :] else query[insert.end() :])
                    body.flush()
                    query = insert[1] + f" FROM INFILE '{body.name}' FORMAT ".encode() + insert[2]
                    data = b""
                bound = {name[6:]: value for name, value in params.items() if name.startswith("param_")}
                return connection.query(query.decode(), "TabSeparated", params=bound).bytes() or b""
            finally:
                connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/faults":
            self.server.faults, self.server.asked = json.loads(body), []
            return self.send(200, b"")
        return self.answer(DECOMPRESS[self.headers.get("Content-Encoding")](body))

    def answer(self, body: bytes) -> None:
        if self.path == "/asked":
            self.send(200, json.dumps(self.server.asked).encode())
            return
        if self.path == "/ping":
            self.send(200, b"Ok.\n")
            return
        params = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        query, data = (params["query"].encode(), body) if "query" in params else self.split(body)
        self.server.asked.append(query.decode("utf-8", "replace"))
        fault = self.server.fault(query)
        try:
            self.authorize()
            self.fail(fault, after=False)
            result = self.server.run(query, params, data)
            self.fail(fault, after=True)
        except ConnectionResetError:
            self.reset()
        except Fault as error:
            self.send(
                error.status, str(error).encode(), **({"X-ClickHouse-Exception-Code": error.code} if error.code else {})
            )
        except Exception as error:  # noqa: BLE001 - the engine raises any exception
            code = int((re.search(r"Code: (\d+)", str(error)) or [0, 0])[1])
            self.send(STATUSES.get(code, 500), str(error).encode(), **{"X-ClickHouse-Exception-Code": code})
        else:
            self.send(200, result, **{"X-ClickHouse-Summary": "{}", "X-ClickHouse-Timezone": "UTC"})

    @staticmethod
    def split(body: bytes) -> tuple[bytes, bytes]:
        insert = INSERT.match(body)
        return (body[: insert.end()].strip(), body[insert.end() :]) if insert else (body, b"")

    def authorize(self) -> None:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic" or tuple(b64decode(value).decode().split(":", 1)) != CREDENTIALS:
            raise Fault(516, 403)

    def fail(self, fault: dict, *, after: bool) -> None:
        if bool(fault.get("after")) != after or not fault:
            return
        time.sleep(fault.get("delay_seconds", 0))
        if fault.get("reset"):
            raise ConnectionResetError
        if "code" in fault or "status" in fault:
            code = fault.get("code", 0)
            raise Fault(code, fault.get("status") or STATUSES.get(code, 500))

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def send(self, status: int, body: bytes, **headers) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def handle(self):
        with contextlib.suppress(OSError, ValueError):  # the client closed the connection, or we did
            super().handle()

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Server(int(sys.argv[1]), sys.argv[2]).serve_forever(poll_interval=0.05)
