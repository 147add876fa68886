"""Rows of ClickHouse's table ``_tracking``, which have the lines of tracking logs.

Aspects' Vector writes this table (``ASPECTS_VECTOR_STORE_TRACKING_LOGS``), and so does ``--tracking``. The rows of an
hour are one object, named by the hour in UTC: ``2026-03-01T08``. Its lines are the rows' texts in the order of time and
text, so an hour whose rows have not changed has the same bytes each time it is read.
"""

from __future__ import annotations

import threading
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.clients import CONNECTION_KEYS, connect, shown_place
from log_replay.clickhouse.error_kinds import FOREIGN, ErrorKind, error_hint, error_kind, error_reason
from log_replay.clickhouse.retrying_client import RetryingClient
from log_replay.clickhouse.tables import log_table, prepare_table
from log_replay.errors import ConfigurationError, ReadError, SourceUnavailable
from log_replay.events.filters import read_time
from log_replay.records import SkippedObject, SourceObject
from log_replay.retry import TemporaryError
from log_replay.sources.decompression import CHUNK_BYTES
from log_replay.sources.resume import interrupted, resumed
from log_replay.spelling import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from clickhouse_connect.driver.client import Client

    from log_replay.retry import RetryPolicy

PERIOD = ("since", "until")
_KEYS = CONNECTION_KEYS | {"database", "table", *PERIOD}
_HOUR = timedelta(hours=1)
_NAME = "%Y-%m-%dT%H"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 2**32 - 1
#: The server sends a response only when it is complete, so that an error during the query is not part of the rows.
_COMPLETE = {"wait_end_of_query": 1}


class ClickHouseSource:
    """The rows of a table with the columns ``time`` and ``message``.

    Args:
        config: see ``clickhouse.connect``; ``database`` and ``table``; ``since`` and ``until``, which limit the time of
            the rows to whole seconds.
        retry_policy: applied to listings and reads that make no progress.
    """

    def __init__(self, config: Mapping[str, Any], retry_policy: RetryPolicy) -> None:
        unknown = sorted(set(config) - _KEYS)
        if unknown:
            raise ConfigurationError(
                f"--source_config has unknown keys: {', '.join(unknown)}",
                hint=did_you_mean(unknown[0], _KEYS) or f"known keys: {', '.join(sorted(_KEYS))}",
            )
        self._config = {name: value for name, value in config.items() if name not in PERIOD}
        self._first = max(0, _seconds(config, "since", 0))
        self._end = min(_LAST_SECOND, _seconds(config, "until", _LAST_SECOND))
        self._table = log_table(config)
        self._retry_policy = retry_policy
        self._lock = threading.Lock()
        self._client: Client | None = None

    def check(self) -> None:
        """Check that the table exists, and that its rows can be read."""
        client = RetryingClient(self._config)
        try:
            prepare_table(client, self._table, missing_hint='check "database" and "table" in --source_config')
            client.check(
                lambda driver: driver.query(f"SELECT time, message FROM {self._table} LIMIT 0"),  # noqa: S608 - quoted
                operation="read",
                table=self._table.shown_name,
            )
        finally:
            client.close()

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List the hours that have rows. The listing reads the table once, inside ClickHouse."""
        try:
            rows = self._retry_policy.call(self._hours)
        except TemporaryError as interruption:
            raise SourceUnavailable(
                interruption.reason, operation="list", object=self._shown, hint="try again later"
            ) from None
        for hour, size_bytes, digest in rows:
            yield SourceObject((_EPOCH + hour * _HOUR).strftime(_NAME), int(size_bytes), f"{int(digest):x}")

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the lines of an hour. They are not compressed."""
        return self.read_stored(obj, start, end)

    def read_stored(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        """Yield the lines of an hour. An interrupted read begins again, and goes on after what was yielded."""
        offset = start
        seen = _Checksum()
        try:
            open_at = partial(self._lines_from, obj, start, seen)
            for chunk in resumed(open_at, start, lambda offset, chunk: offset + len(chunk), self._retry_policy):
                wanted = chunk if end is None else chunk[: max(0, end - offset)]
                if not wanted:
                    return
                offset += len(chunk)
                seen.add(chunk)
                yield wanted
        except TemporaryError as interruption:
            raise interrupted(obj, offset, interruption, self._retry_policy) from None
        expected = obj.size_bytes if end is None or obj.size_bytes is None else min(end, obj.size_bytes)
        if expected is not None and offset < expected:
            raise _changed(obj, offset)

    def is_compressed(self, obj: SourceObject) -> bool:  # noqa: ARG002 - the method of all sources
        """Return True: an hour can only be read from its beginning."""
        return True

    @property
    def _shown(self) -> str:
        return f"{self._table.shown_name} at {shown_place(self._config)}"

    def _hours(self) -> list[tuple[int, int, int]]:
        query = (
            "SELECT intDiv(toUnixTimestamp(time), 3600) AS hour, sum(length(message) + 1), sum(cityHash64(message))"  # noqa: S608 - quoted
            f" FROM {self._table} WHERE {_within(self._first, self._end)} GROUP BY hour ORDER BY hour"
        )
        error = partial(SourceUnavailable, operation="list", object=self._shown)
        with self._foreign_errors_as(error), self._connected() as client:
            return [tuple(row) for row in client.query(query).result_rows]

    def _lines_from(self, obj: SourceObject, start: int, seen: _Checksum, mark: int) -> Generator[bytes]:
        """Yield the lines of an hour from the mark on, and check that those from ``start`` to it are still the same."""
        position, skipped = 0, _Checksum()
        for chunk in self._lines(obj, mark):
            rest = chunk[max(0, mark - position) :]
            skipped.add(chunk[max(0, start - position) : len(chunk) - len(rest)])
            position += len(chunk)
            if rest:
                if mark > start and skipped.value != seen.value:
                    raise _changed(obj, mark)
                mark = start  # checked
                yield rest

    def _lines(self, obj: SourceObject, mark: int) -> Generator[bytes]:
        since = datetime.strptime(obj.name, _NAME).replace(tzinfo=UTC)
        first = max(self._first, _ceiled_seconds(since))
        end = min(self._end, _ceiled_seconds(since + _HOUR))
        query = (
            f"SELECT replaceAll(message, '\\n', ' ') FROM {self._table}"  # noqa: S608 - quoted
            f" WHERE {_within(first, end)} ORDER BY time, message"
        )
        settings = _COMPLETE if "url" in self._config else None
        error = partial(ReadError, operation="read", object=obj.name, offset=mark)
        with (
            self._foreign_errors_as(error),
            self._connected() as client,
            client.raw_stream(query, fmt="TSVRaw", settings=settings) as stream,
        ):
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        """Yield a client: one for all threads, but one for each stream of the embedded engine."""
        if "url" not in self._config:
            client = connect(self._config)
            try:
                yield client
            finally:
                client.close()
            return
        with self._lock:
            if self._client is None:
                self._client = connect(self._config)
        yield self._client

    @contextmanager
    def _foreign_errors_as(self, error_type: partial[ReadError] | partial[SourceUnavailable]) -> Iterator[None]:
        try:
            yield
        except FOREIGN as error:
            if error_kind(error) is ErrorKind.TEMPORARY:
                raise TemporaryError(error_reason(error)) from None
            # "from None", because the driver's message can quote the rows.
            raise error_type(error_reason(error), hint=error_hint(error)) from None


class _Checksum:
    """The checksum of what was read."""

    def __init__(self) -> None:
        self.value = 0

    def add(self, chunk: bytes) -> None:
        """Add the next bytes."""
        self.value = zlib.crc32(chunk, self.value)


def _within(first: int, end: int) -> str:
    # Seconds since 1970, so that the time zone of the column and of the server do not matter.
    return f"time >= toDateTime({first}) AND time < toDateTime({end})"


def _seconds(config: Mapping[str, Any], name: str, default: int) -> int:
    if config.get(name) is None:
        return default
    try:
        moment = read_time(config[name])
    except ValueError:
        raise ConfigurationError(
            f'"{name}" in --source_config is not a date or time', hint="for example 2026-03-01T08:00:00+01:00"
        ) from None
    return _floored_seconds(moment) if name == "since" else _ceiled_seconds(moment)


def _floored_seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1)


def _ceiled_seconds(moment: datetime) -> int:
    return -((_EPOCH - moment) // timedelta(seconds=1))


def _changed(obj: SourceObject, offset: int) -> ReadError:
    return ReadError(
        "the rows of this hour changed while they were read",
        operation="read",
        object=obj.name,
        offset=offset,
        hint='replay it again, or set "until" in --source_config to a time that no process writes rows of any more',
    )
