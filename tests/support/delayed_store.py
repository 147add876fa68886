"""An S3 server in a process of its own, which waits before the first byte of each object.

    python -m tests.support.delayed_store FOLDER DELAY_SECONDS

It serves the files of a folder as the container ``logs``, and prints its port. A file ``objects.json`` maps further
names to files. It costs 0.1 ms for each request, a tenth of moto's server.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 1000
#: Objects are sent in pieces: asyncio copies what it cannot send at once, which took up to 7 s for 1.2 GB.
PIECE_BYTES = 1 << 18
RANGE = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d*)", re.IGNORECASE)


class DelayedStore:
    """The objects of the container, and the answers to requests."""

    def __init__(self, folder: Path, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        shared = json.loads((folder / "objects.json").read_text())
        contents = {name: (folder / name).read_bytes() for name in set(shared.values())}
        self._objects = {name: contents[file] for name, file in sorted(shared.items())}
        self._etags = {id(content): hashlib.md5(content).hexdigest() for content in contents.values()}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        while request := await _request(reader):
            target = urlsplit(request.split(b" ", 2)[1].decode())
            name = unquote(target.path).partition("/logs")[2].lstrip("/")
            if name in self._objects and request.startswith(b"GET"):
                await asyncio.sleep(self._delay_seconds)
                await self._send_object(writer, name, RANGE.search(request))
            elif not name and request.startswith(b"HEAD"):
                self._send(writer, 200, b"")
            elif not name:
                self._send(writer, 200, self._page(parse_qs(target.query)), "Content-Type: application/xml\r\n")
            else:
                self._send(writer, 404, b"")
            await writer.drain()
        writer.close()

    async def _send_object(self, writer: asyncio.StreamWriter, name: str, wanted: re.Match[bytes] | None) -> None:
        content = self._objects[name]
        begin, end, status, headers = 0, len(content), 200, f'ETag: "{self._etags[id(content)]}"\r\n'
        if wanted:
            begin, end = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1) + 1
            status, headers = 206, f"{headers}Content-Range: bytes {begin}-{end - 1}/{len(content)}\r\n"
        self._send_head(writer, status, end - begin, headers)
        for at in range(begin, end, PIECE_BYTES):
            writer.write(content[at : min(at + PIECE_BYTES, end)])
            await writer.drain()

    @staticmethod
    def _send_head(writer: asyncio.StreamWriter, status: int, size_bytes: int, headers: str) -> None:
        writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: {size_bytes}\r\n{headers}\r\n".encode())

    def _send(self, writer: asyncio.StreamWriter, status: int, body: bytes, headers: str = "") -> None:
        self._send_head(writer, status, len(body), headers)
        writer.write(body)

    def _page(self, query: dict[str, list[str]]) -> bytes:
        prefix, marker = (query.get(name, [""])[0] for name in ("prefix", "marker"))
        names = [name for name in self._objects if name.startswith(prefix) and name > marker]
        entries = [
            f'<Contents><Key>{escape(name)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"'
            f'{self._etags[id(self._objects[name])]}"</ETag><Size>{len(self._objects[name])}</Size>'
            "<StorageClass>STANDARD</StorageClass><Owner><ID>x</ID></Owner></Contents>"
            for name in names[:PAGE]
        ]
        more = str(len(names) > PAGE).lower()
        return (
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>logs</Name>'
            f"<IsTruncated>{more}</IsTruncated>{''.join(entries)}</ListBucketResult>"
        ).encode()


async def _request(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return b""


async def main() -> None:
    store = DelayedStore(Path(sys.argv[1]), float(sys.argv[2]))
    server = await asyncio.start_server(store.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by the process that started it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
