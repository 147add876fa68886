"""Standard input: one object of unknown size, which can be read only once."""

from __future__ import annotations

import io
import select
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from log_replay.errors import ConfigurationError, ReadError
from log_replay.records import SourceObject
from log_replay.sources.decompression import CHUNK_BYTES, read_decompressed
from log_replay.storage.output_names import STDIN

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from log_replay.records import SkippedObject


class StdinSource:
    """Standard input, compressed or not."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        if config:
            raise ConfigurationError(
                "the STDIN source has no configuration", hint="omit --source_config, or choose another provider"
            )

    def check(self) -> None:
        """Check that standard input is open."""
        if sys.stdin is None or sys.stdin.closed:
            raise ConfigurationError("standard input is closed", hint="pipe the log into the command")

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List standard input as one object."""
        yield SourceObject(STDIN)

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the decompressed bytes as they arrive, and an empty chunk if no more are available."""
        _check_start(obj, start)
        return read_decompressed(partial(self.read_stored, obj), obj.name, 0, end)

    def read_stored(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:  # noqa: ARG002 - protocol
        """Yield the bytes as they arrive. There is no range: the end is ignored."""
        _check_start(obj, start)
        return _read(sys.stdin.buffer, obj.name)

    def is_compressed(self, obj: SourceObject) -> bool:  # noqa: ARG002 - part of the protocol
        """Return True: standard input can only be read from its beginning."""
        return True


def _check_start(obj: SourceObject, start: int) -> None:
    if start:
        raise ReadError(
            "standard input cannot be resumed",
            operation="read",
            object=obj.name,
            offset=start,
            hint="pipe the whole log in again",
        )


def _read(stream: BinaryIO, name: str) -> Generator[bytes]:
    offset = 0
    # Without a buffer: a thread that still reads through a buffer when Python ends lets Python abort.
    unbuffered = stream.raw if isinstance(stream, io.BufferedReader) else stream
    try:
        while chunk := unbuffered.read(CHUNK_BYTES):
            offset += len(chunk)
            yield chunk
            if not _is_readable(stream):
                yield b""
    except OSError as error:
        raise ReadError(error.strerror or "cannot be read", operation="read", object=name, offset=offset) from error


def _is_readable(stream: BinaryIO) -> bool:
    """Return True if a read does not block."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):
        # The stream has no file descriptor, for example a stream in memory. Reading it never blocks.
        return True
