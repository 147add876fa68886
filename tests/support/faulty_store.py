"""A proxy in front of an S3 server that breaks downloads, listings and uploads at random, from a seed."""

from __future__ import annotations

import random
import time
from http.client import HTTPConnection

from tests.support import faulty_proxy
from tests.support.faulty_proxy import FaultyProxy, cut_after, reset_after, shortened_to, status, whole_object


def delayed(handler, code, headers, body):
    time.sleep(0.02)
    handler.answer(code, headers, body)


def no_http(handler, _code, _headers, _body):
    handler.wfile.write(b"\0\xff no HTTP at all\r\n\r\n")
    handler.close_connection = True


def range_ignored(handler, code, headers, body):
    if handler.headers.get("Range"):
        whole_object(handler, code, headers, body)
    else:
        handler.answer(code, headers, body)


DOWNLOADS = [status(429), status(500), status(503), delayed, no_http, range_ignored]
LISTINGS = [status(429), status(500), status(503), delayed, no_http, reset_after(20), cut_after(20)]
UPLOADS = ["before", "after", "500", "503", "lost answer", "delay"]


class RandomFaults:
    """Random faults with the interface of the proxy's lists, at most ``most_in_row`` in a row."""

    def __init__(self, seed: int, kinds, percent: int = 50, most_in_row: int = 3, *, cuts: bool = False) -> None:
        self._random = random.Random(seed)
        self._kinds, self._percent, self._most_in_row, self._cuts = kinds, percent, most_in_row, cuts
        self._in_row = 0
        self.given = 0

    def pop(self, _index=0):
        if self._in_row >= self._most_in_row or self._random.randrange(100) >= self._percent:
            self._in_row = 0
            return None
        self._in_row += 1
        self.given += 1
        if self._cuts and self._random.random() < 0.5:
            cut = self._random.choice([reset_after, cut_after, shortened_to])
            return cut(self._random.randrange(1, 60_000))
        return self._random.choice(self._kinds)


class Handler(faulty_proxy.Handler):
    def do_PUT(self):  # noqa: N802 - the library's name
        fault = self.server.upload_faults.pop() if self.server.upload_faults else None
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if fault in {"500", "503"}:
            self.answer(int(fault), [], b"no")
            return
        if fault == "before":
            self._reset()
            return
        code, headers, answer = self._pass_on(body)
        if fault == "after":
            self._reset()
        elif fault == "lost answer":
            no_http(self, code, headers, answer)
        else:
            time.sleep(0.02 if fault == "delay" else 0)
            self.answer(code, headers, answer)

    do_POST = do_DELETE = do_PUT  # noqa: N815 - the library's names

    def _pass_on(self, body):
        upstream = HTTPConnection("127.0.0.1", self.server.upstream_port, timeout=10)
        upstream.request(self.command, self.path, body=body, headers=dict(self.headers.items()))
        response = upstream.getresponse()
        answer = response.read()
        upstream.close()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in faulty_proxy.HOP_BY_HOP]
        return response.status, kept, answer

    def _reset(self):
        self.close_connection = True
        self.connection.close()


class FaultyStore(FaultyProxy):
    """A proxy without faults until ``break_from_now_on`` is called."""

    def __init__(self, upstream_port: int) -> None:
        super().__init__(upstream_port)
        self.RequestHandlerClass = Handler
        self.upload_faults = None

    def break_from_now_on(self, seed: int) -> None:
        self.faults = RandomFaults(seed, DOWNLOADS, cuts=True)
        self.listing_faults = RandomFaults(seed + 1, LISTINGS)
        self.upload_faults = RandomFaults(seed + 2, UPLOADS)

    @property
    def broken(self) -> int:
        return sum(faults.given for faults in (self.faults, self.listing_faults, self.upload_faults) if faults)
