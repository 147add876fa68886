"""An LRS in memory with random faults of a network, determined by a seed."""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Self

from tests.support.unruly_http import UnrulyHandler, UnrulyServer

#: Faults before a request is stored, and faults after, when the client cannot know that it is stored.
BEFORE = ("reset", "half", "408", "429", "500", "502", "503", "504")
AFTER = ("reset", "500", "503", "truncated", "page", "empty", "garbage", "late")
#: Pairs of the two. A late response costs a timeout, so it is rare.
KINDS = 3 * [*((kind, None) for kind in BEFORE), *((None, kind) for kind in AFTER if kind != "late")] + [(None, "late")]


class _Handler(UnrulyHandler):
    lrs: FlakyLrs

    def do_GET(self):  # noqa: N802 - a name that http.server requires
        self._answer(200, b"{}")

    def do_POST(self):  # noqa: N802 - likewise
        length = int(self.headers["Content-Length"])
        before, after = self.lrs.draw()
        if before == "reset":
            self.reset()
            return
        if before == "half":
            self.rfile.read(length // 2)
            self.reset()
            return
        body = self.rfile.read(length)
        if before:
            self._answer(int(before), b"no", {"Retry-After": "0"})
            return
        status, answer = self.lrs.take(json.loads(body), acknowledged=after is None)
        self._fail(after, answer) if after else self._answer(status, answer)

    def _fail(self, how: str, answer: bytes) -> None:
        match how:
            case "reset":
                self.reset()
            case "truncated":
                self._answer(200, answer, promised=len(answer) + 10)
                self.close_connection = True
            case "page":
                self._answer(200, b"<html>We will be back soon</html>")
            case "empty":
                self._answer(200, b"")
            case "garbage":
                self.wfile.write(b"\0\xff no HTTP at all\r\n\r\n")
                self.close_connection = True
            case "late":
                time.sleep(self.lrs.late_seconds)
                self._answer(200, answer)
            case _:
                self._answer(int(how), b"<html>bad gateway</html>")

    def _answer(self, status: int, body: bytes, headers=None, promised: int | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        self.end_headers()
        self.wfile.write(body)


@dataclass
class FlakyLrs:
    """A strict LRS: a batch is stored whole, or refused whole.

    Args:
        seed: determines the faults.
        faults: the percentage of requests with a fault.
        most_in_row: the limit of faults in a row, so that retries succeed; None for no limit.
        refuses: returns True for statements to refuse.
        late_seconds: the delay of a late response: longer than the clients' timeout, which a busy machine must not
            reach.
        seconds_each: the time to store one statement.
    """

    seed: int = 0
    faults: int = 30
    most_in_row: int | None = 4
    refuses: object = None
    late_seconds: float = 3.3
    seconds_each: float = 0.0
    stored: dict[str, int] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    sent_again: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    requests: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._in_row = 0
        self._lock = threading.Lock()
        self._server = UnrulyServer(type("Handler", (_Handler,), {"lrs": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/xAPI"

    def draw(self) -> tuple[str | None, str | None]:
        """Return the faults of the next request, before and after it is stored."""
        with self._lock:
            self.requests += 1
            no_more = self.most_in_row is not None and self._in_row >= self.most_in_row
            if no_more or self._random.randrange(100) >= self.faults:
                self._in_row = 0
                return None, None
            self._in_row += 1
            before, after = self._random.choice(KINDS)
            self.kinds.add(f"{before or ''}-{after or ''}")
            return before, after

    def take(self, statements, *, acknowledged: bool) -> tuple[int, bytes]:
        """Store or refuse a batch and return the response, which the client receives if it is acknowledged."""
        time.sleep(self.seconds_each * len(statements))
        ids = [statement["id"] for statement in statements]
        with self._lock:
            if self.refuses and any(self.refuses(statement) for statement in statements):
                return 400, b'{"error": "no"}'
            differing = [
                statement["id"]
                for statement in statements
                if self.stored.setdefault(statement["id"], _digest(statement)) != _digest(statement)
            ]
            if differing:
                return 409, json.dumps({"message": f"{differing[0]} is conflicting"}).encode()
            self.sent_again += self.acknowledged.intersection(ids)
            if acknowledged:
                self.acknowledged.update(ids)
        return 200, json.dumps(ids).encode()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.stop()


def _digest(statement) -> int:
    return hash(json.dumps(statement, sort_keys=True))
