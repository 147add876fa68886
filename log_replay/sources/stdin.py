"""Standard input: one object of unknown size, which can be read once."""

from __future__ import annotations

import select
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from log_replay.errors import ConfigurationError, ReadError
from log_replay.records import SourceObject
from log_replay.sources.decompression import CHUNK_BYTES, read_decompressed

if TYPE_CHECKING:
    import io
    from collections.abc import Generator, Iterator, Mapping

    from log_replay.records import SkippedObject

NAME = "stdin"


class StdinSource:
    """Whatever is piped in, compressed or not."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        if config:
            raise ConfigurationError(
                "the STDIN source takes no configuration", hint="leave out --source_config, or choose another provider"
            )

    def check(self) -> None:
        """Find out whether there is a standard input."""
        if sys.stdin is None or sys.stdin.closed:
            raise ConfigurationError("standard input is closed", hint="pipe the log into the command")

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List standard input itself."""
        yield SourceObject(NAME)

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the decompressed bytes as they arrive, and an empty chunk where no more is waiting."""
        if start:
            raise ReadError(
                "standard input cannot be resumed",
                operation="read",
                object=obj.name,
                offset=start,
                hint="pipe the whole log in again",
            )

        def read_raw(_start: int, _end: int | None) -> Generator[bytes]:
            return _read(sys.stdin.buffer, obj.name)

        return read_decompressed(read_raw, obj.name, 0, end)

    def is_compressed(self, obj: SourceObject) -> bool:  # noqa: ARG002 - the protocol's
        """Return that it can only be read from its beginning on."""
        return True


def _read(stream: BinaryIO, name: str) -> Generator[bytes]:
    offset = 0
    try:
        while chunk := cast("io.BufferedReader", stream).read1(CHUNK_BYTES):
            offset += len(chunk)
            yield chunk
            if not _is_waiting(stream):
                yield b""
    except OSError as error:
        raise ReadError(error.strerror or "cannot be read", operation="read", object=name, offset=offset) from error


def _is_waiting(stream: BinaryIO) -> bool:
    """Whether there is more to read, or the end; what the stream itself has buffered was read already."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):
        # Nothing that the system can wait for, such as a stream in memory: it never keeps anyone waiting.
        return True
