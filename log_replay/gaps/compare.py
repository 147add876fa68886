"""Compare the ids of the logs' statements with those of a table, day by day and in slices of a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from log_replay.clickhouse.retrying_client import RetryingClient
from log_replay.clickhouse.rows import microseconds
from log_replay.clickhouse.tables import prepare_table
from log_replay.gaps.temporary_ids import COURSE, LOG_IDS, TABLE_IDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from log_replay.clickhouse.tables import Table
    from log_replay.gaps.temporary_ids import TemporaryIds

#: The number of ids to compare at once. It limits the memory for days with many events.
SLICE_IDS = 50_000
_CHUNK_BYTES = 4 << 20
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
#: The SQL of the key of a gap, by the value of ``--by``.
KEYS = {
    "day": "toString(toDate(fromUnixTimestamp64Micro(at, 'UTC')))",
    "hour": "formatDateTime(fromUnixTimestamp64Micro(at, 'UTC'), '%Y-%m-%dT%H:00Z')",
    "event": "name",
    "course": "name",
}
#: The key of statements without an event name or course.
NO_KEY = "(none)"
_COMPARE = """
SELECT {key} AS key, sum(l) AS logs, sum(l AND t) AS present, sum(t AND NOT l) AS only_in_table
FROM (
    SELECT id, argMax(moment, in_logs) AS at, argMax(label, in_logs) AS name, max(in_logs) AS l, max(in_table) AS t
    FROM (
        SELECT id, moment, label, 1 AS in_logs, 0 AS in_table FROM {log_ids}
        WHERE moment >= {first} AND moment < {end} AND {slice}
        UNION ALL
        SELECT id, moment, label, 0, 1 FROM {table_ids} WHERE {slice}
    )
    GROUP BY id
)
GROUP BY key
"""


class Period(NamedTuple):
    """A period in microseconds since 1970; ``end`` is not part of it."""

    first: int
    end: int


@dataclass(slots=True)
class Gap:
    """The numbers of statements of one day, hour, event or course."""

    logs: int = 0
    present: int = 0
    only_in_table: int = 0

    @property
    def missing(self) -> int:
        """The statements of the logs that are not in the table."""
        return self.logs - self.present

    def add(self, logs: int, present: int, only_in_table: int) -> None:
        """Add the numbers of another slice."""
        self.logs += logs
        self.present += present
        self.only_in_table += only_in_table


@dataclass(slots=True)
class Gaps:
    """The result of a comparison.

    Attributes:
        by: ``day``, ``hour``, ``event`` or ``course``.
        place: the table's name and place, for messages.
        rows: the numbers by key, sorted.
        whole: all events of the period were compared. Otherwise ``only_in_table`` has no meaning.
    """

    by: str
    place: str
    rows: dict[str, Gap] = field(default_factory=dict)
    whole: bool = True

    @property
    def total(self) -> Gap:
        """The sum of the rows."""
        total = Gap()
        for gap in self.rows.values():
            total.add(gap.logs, gap.present, gap.only_in_table)
        return total


class Comparison:
    """Compares the ids of the logs with a table.

    Args:
        config: the configuration of the table's ClickHouse.
        table: the table.
        ids: the ids of the logs.
        by: a key of ``KEYS``.
    """

    def __init__(self, config: Mapping[str, Any], table: Table, ids: TemporaryIds, by: str) -> None:
        self._table = table
        self._ids = ids
        self._by = by
        self._is_remote = config.get("url") is not None
        # An embedded database can be open only once, so the connection of the ids is used for both.
        self._client = RetryingClient(config) if self._is_remote else ids.client
        self._place = self._client.shown(table.shown_name)

    def check(self) -> None:
        """Check the table.

        Raises:
            ConfigurationError: the table does not exist, or does not contain statements.
        """
        prepare_table(self._client, self._table, missing_hint="name another table with --missing_from")

    def close(self) -> None:
        """Close the connection to a server."""
        if self._is_remote:
            self._client.close()

    def gaps(self, since: datetime | None, until: datetime | None, *, whole: bool) -> Gaps:
        """Return the differences.

        Args:
            since: the begin of the period; None for the first event of the logs.
            until: the end of the period; None for the last event of the logs.
            whole: whether the logs were read without a filter for events, courses, organisations or users.

        Raises:
            DestinationUnavailable: ClickHouse does not answer.
        """
        gaps: dict[str, Gap] = {}
        for period, count in self._days(self._period(since, until)):
            self._compare_day(period, count, gaps)
        if not whole:
            gaps = {key: gap for key, gap in gaps.items() if gap.logs}
        return Gaps(self._by, self._place, dict(sorted(gaps.items())), whole=whole)

    def _period(self, since: datetime | None, until: datetime | None) -> Period:
        ((first, last),) = self._query(self._ids.client, f"SELECT min(moment), max(moment) + 1 FROM {LOG_IDS}")  # noqa: S608 - a constant
        first, last = microseconds(since) if since else first, microseconds(until) if until else last
        # Whole seconds, because the rows may have been written by a program that stores fewer digits.
        return Period(first // _SECOND * _SECOND, -(-last // _SECOND) * _SECOND)

    def _days(self, period: Period) -> Iterator[tuple[Period, int]]:
        """Yield each day with ids in the logs or in the table, and an upper limit for its number of ids."""
        if period.first >= period.end:
            return
        day = f"toInt32(floor({{}} / {_DAY}))"
        log_counts = f"SELECT {day.format('moment')} AS day, count() FROM {LOG_IDS} GROUP BY day"  # noqa: S608 - constants
        moment = f"toUnixTimestamp64Micro({self._table.column('emission_time')})"
        table_counts = (
            f"SELECT {day.format(moment)} AS day, count() FROM {self._table} WHERE {self._within(period)} GROUP BY day"  # noqa: S608 - quoted
        )
        counts: dict[int, int] = {}
        for client, query in ((self._ids.client, log_counts), (self._client, table_counts)):
            for number, count in self._query(client, query):
                counts[number] = counts.get(number, 0) + count
        for number in sorted(counts):
            first, end = max(number * _DAY, period.first), min((number + 1) * _DAY, period.end)
            if first < end:
                yield Period(first, end), counts[number]

    def _compare_day(self, period: Period, count: int, gaps: dict[str, Gap]) -> None:
        self._client.run(
            lambda client: self._copy_table_ids(client, period), operation="compare with", table=self._table.shown_name
        )
        slices = -(-count // SLICE_IDS)
        for number in range(slices):
            query = _COMPARE.format(
                key=KEYS[self._by],
                log_ids=LOG_IDS,
                table_ids=TABLE_IDS,
                first=period.first,
                end=period.end,
                slice=f"cityHash64(id) % {slices} = {number}",
            )
            for key, *counts in self._query(self._ids.client, query):
                gaps.setdefault(str(key) or NO_KEY, Gap()).add(*map(int, counts))

    def _copy_table_ids(self, client: Client, period: Period) -> None:
        """Copy the table's ids of a period into the temporary table ``TABLE_IDS``, which is emptied first."""
        self._ids.clear(TABLE_IDS)
        label = f"extract({self._table.column('event')}, {{course:String}})" if self._by == "course" else "''"
        parameters = {"course": COURSE} if self._by == "course" else None
        query = (
            f"SELECT {self._table.column('event_id')} AS id,"  # noqa: S608 - quoted
            f" toUnixTimestamp64Micro({self._table.column('emission_time')}) AS moment, {label} AS label"
            f" FROM {self._table} WHERE {self._within(period)}"
        )
        if not self._is_remote:
            client.command(f"INSERT INTO {TABLE_IDS} {query}", parameters)
            return
        with client.raw_stream(query, parameters, fmt="TabSeparated") as stream:
            rest = b""
            while chunk := stream.read(_CHUNK_BYTES):
                lines, end, rest = (rest + chunk).rpartition(b"\n")
                self._ids.insert(TABLE_IDS, lines + end, "TabSeparated")

    def _query(self, client: RetryingClient, query: str) -> list[tuple[Any, ...]]:
        return client.run(
            lambda driver: [tuple(row) for row in driver.query(query).result_rows],
            operation="compare with",
            table=self._table.shown_name,
        )

    def _within(self, period: Period) -> str:
        time = self._table.column("emission_time")
        return f"{time} >= fromUnixTimestamp64Micro({period.first}) AND {time} < fromUnixTimestamp64Micro({period.end})"
