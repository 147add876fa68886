"""Unwrap lines that a log collector wrote around the lines of tracking logs.

Vector writes ``{"message": LINE, ...}``, Docker's json-file ``{"log": LINE, ...}``; exports of Aspects' table
``_tracking`` have ``{"time": ..., "message": LINE}``. An object becomes its unwrapped lines, and all offsets are
offsets in these, so such an object can only be read from its beginning. A line without a wrapper stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from log_replay.records import SkippedObject, SourceObject
    from log_replay.sources import Source

#: The key of a source's configuration.
UNWRAP = "unwrap"
#: A tracking event has one of these keys, and a wrapper has none of them.
_EVENT_KEYS = frozenset({"event_type", "event_source", "name"})


class UnwrappedSource:
    """A source whose objects are the unwrapped lines of another source's objects."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def check(self) -> None:
        """Check the other source."""
        self._source.check()

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List the objects of the other source."""
        return self._source.objects()

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the unwrapped lines of an object from ``start`` up to ``end`` (exclusive)."""
        position = 0
        for chunk in unwrapped(self._source.read(obj)):
            if end is not None and position >= end:
                return
            last = len(chunk) if end is None else min(len(chunk), end - position)
            # Empty chunks, which mean that no more data is available at the moment, are passed on.
            if not chunk or position + last > start:
                yield chunk[max(start - position, 0) : last]
            position += len(chunk)

    def read_stored(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        """Yield the stored bytes, with their wrappers."""
        return self._source.read_stored(obj, start, end)

    def is_compressed(self, obj: SourceObject) -> bool:  # noqa: ARG002 - the method of all sources
        """Return True: an offset is known only after everything before it is unwrapped."""
        return True


def take_unwrap(config: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return a source's configuration without ``unwrap``, and its value.

    Raises:
        ConfigurationError: the value is neither true nor false.
    """
    value = config.get(UNWRAP, False)
    if not isinstance(value, bool):
        raise ConfigurationError("unwrap must be true or false", operation="open the source")
    return {name: setting for name, setting in config.items() if name != UNWRAP}, value


def unwrapped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the unwrapped lines of a stream, some at a time."""
    rest = b""
    parts: dict[str, str] = {}
    for chunk in chunks:
        if not chunk:
            yield chunk
            continue
        *lines, rest = (rest + chunk).split(b"\n")
        text = b"".join(_unwrapped_line(line, parts) for line in lines)
        if text:
            yield text
    last = _unwrapped_line(rest, parts)
    tail = b"".join([last[:-1] if rest else b"", *(part.encode() for part in parts.values())])
    if tail:
        yield tail


def _unwrapped_line(line: bytes, parts: dict[str, str]) -> bytes:
    """Return a line without its wrapper, with a line end; nothing for a part of a line that goes on.

    Args:
        line: the line without its line end.
        parts: the beginnings of lines that Docker has split, by stream.
    """
    wrapper = _wrapper(line)
    if wrapper is None:
        return line + b"\n"
    if "message" in wrapper:
        return _one_line(wrapper["message"])
    stream = str(wrapper.get("stream"))
    text = parts.pop(stream, "") + wrapper["log"]
    if text.endswith("\n"):
        return _one_line(text)
    parts[stream] = text
    return b""


def _wrapper(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b"{"):
        return None
    try:
        value: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not _EVENT_KEYS.isdisjoint(value) or not isinstance(value.get("message", value.get("log")), str):
        return None
    return value


def _one_line(text: str) -> bytes:
    return text.rstrip("\r\n").replace("\n", " ").encode() + b"\n"
