"""The ids of the logs and those of a table -> gaps, a day at a time and a slice of it at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from log_replay.clickhouse.connection import connect, shown_place
from log_replay.clickhouse.errors import FOREIGN, configuring, hint, reason
from log_replay.clickhouse.rows import microseconds
from log_replay.clickhouse.tables import check_table
from log_replay.errors import DestinationUnavailable
from log_replay.gaps.ids import COURSE, LOGS, THERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from log_replay.clickhouse.tables import Table
    from log_replay.gaps.ids import Ids

#: Ids that are compared at once: this bounds the memory, however many there are in a day.
SLICE_IDS = 50_000
_CHUNK_BYTES = 4 << 20
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
#: What a gap is called, of the columns of the statements compared.
KEYS = {
    "day": "toString(toDate(fromUnixTimestamp64Micro(at, 'UTC')))",
    "hour": "formatDateTime(fromUnixTimestamp64Micro(at, 'UTC'), '%Y-%m-%dT%H:00Z')",
    "event": "name",
    "course": "name",
}
_COMPARE = """
SELECT {key} AS key, sum(l) AS logs, sum(l AND t) AS present, sum(t AND NOT l) AS only_in_table
FROM (
    SELECT id, argMax(moment, in_logs) AS at, argMax(label, in_logs) AS name, max(in_logs) AS l, max(in_table) AS t
    FROM (
        SELECT id, moment, label, 1 AS in_logs, 0 AS in_table FROM {logs}
        WHERE moment >= {first} AND moment < {end} AND {slice}
        UNION ALL
        SELECT id, moment, label, 0, 1 FROM {there} WHERE {slice}
    )
    GROUP BY id
)
GROUP BY key
"""


class Period(NamedTuple):
    """Microseconds since 1970, without the end."""

    first: int
    end: int


@dataclass(slots=True)
class Gap:
    """How many statements, of a day for example, are where."""

    logs: int = 0
    present: int = 0
    only_in_table: int = 0

    @property
    def missing(self) -> int:
        """Those of the logs that are not in the table."""
        return self.logs - self.present

    def add(self, logs: int, present: int, only_in_table: int) -> None:
        """Add those of another slice."""
        self.logs += logs
        self.present += present
        self.only_in_table += only_in_table


@dataclass(slots=True)
class Gaps:
    """What a comparison found; ``only_in_table`` means nothing where only some of the logs' events were wanted."""

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
        config: where the table is.
        table: the table.
        ids: those of the logs.
        by: a key of ``KEYS``.
    """

    def __init__(self, config: Mapping[str, Any], table: Table, ids: Ids, by: str) -> None:
        self._table = table
        self._ids = ids
        self._by = by
        self._is_elsewhere = config.get("url") is not None
        self._client: Client = connect(config) if self._is_elsewhere else ids.client
        self.place = f"{table.database}.{table.name} at {shown_place(config)}"

    def check(self) -> None:
        """Look at the table.

        Raises:
            ConfigurationError: it is not there, or is none of statements.
        """
        with configuring(self.place):
            check_table(self._client, self._table)

    def close(self) -> None:
        """Close the connection, if it is one."""
        if self._is_elsewhere:
            self._client.close()

    def gaps(self, since: datetime | None, until: datetime | None, *, whole: bool) -> Gaps:
        """Return what differs.

        Args:
            since: where the period begins; None for the first of what was found in the logs.
            until: where it ends; None for the last.
            whole: whether all events of the period were wanted, so that what only the table has says something.

        Raises:
            DestinationUnavailable: ClickHouse does not answer.
        """
        found = Gaps(self._by, self.place, whole=whole)
        try:
            for day in self._days(self._period(since, until)):
                for key, *counts in self._day(day):
                    found.rows.setdefault(key or "(none)", Gap()).add(*counts)
        except FOREIGN as error:
            raise DestinationUnavailable(
                reason(error), operation="compare with", object=self.place, hint=hint(error)
            ) from None
        if not whole:
            found.rows = {key: gap for key, gap in found.rows.items() if gap.logs}
        found.rows = dict(sorted(found.rows.items()))
        return found

    def _period(self, since: datetime | None, until: datetime | None) -> Period:
        ((first, last),) = self._ids.client.query(
            f"SELECT min(moment), max(moment) + 1 FROM {LOGS}"  # noqa: S608 - ours
        ).result_rows
        first, last = microseconds(since) if since else first, microseconds(until) if until else last
        # Whole seconds: whoever wrote the table may have kept fewer digits.
        return Period(first // _SECOND * _SECOND, -(-last // _SECOND) * _SECOND)

    def _days(self, period: Period) -> Iterator[tuple[Period, int]]:
        """Yield each day that anything happened on, and about how many ids it has."""
        if period.first >= period.end:
            return
        day = f"toInt32(floor({{}} / {_DAY}))"
        logs = f"SELECT {day.format('moment')} AS day, count() FROM {LOGS} GROUP BY day"  # noqa: S608 - ours
        moment = f"toUnixTimestamp64Micro({self._table.column('emission_time')})"
        table = (
            f"SELECT {day.format(moment)} AS day, count() FROM {self._table} WHERE {self._within(period)} GROUP BY day"  # noqa: S608 - quoted
        )
        counts: dict[int, int] = {}
        for client, query in ((self._ids.client, logs), (self._client, table)):
            for number, count in client.query(query).result_rows:
                counts[number] = counts.get(number, 0) + count
        for number in sorted(counts):
            first, end = max(number * _DAY, period.first), min((number + 1) * _DAY, period.end)
            if first < end:
                yield Period(first, end), counts[number]

    def _day(self, day: tuple[Period, int]) -> Iterator[tuple[str, int, int, int]]:
        period, count = day
        self._copy_there(period)
        slices = -(-count // SLICE_IDS)
        for number in range(slices):
            query = _COMPARE.format(
                key=KEYS[self._by],
                logs=LOGS,
                there=THERE,
                first=period.first,
                end=period.end,
                slice=f"cityHash64(id) % {slices} = {number}",
            )
            for key, *counts in self._ids.client.query(query).result_rows:
                yield str(key), *map(int, counts)  # type: ignore[misc]  # three

    def _copy_there(self, period: Period) -> None:
        """Put the table's ids of a period beside those of the logs."""
        self._ids.client.command(f"TRUNCATE TABLE {THERE}")
        label = f"extract({self._table.column('event')}, {{course:String}})" if self._by == "course" else "''"
        parameters = {"course": COURSE} if self._by == "course" else None
        query = (
            f"SELECT {self._table.column('event_id')} AS id,"  # noqa: S608 - quoted
            f" toUnixTimestamp64Micro({self._table.column('emission_time')}) AS moment, {label} AS label"
            f" FROM {self._table} WHERE {self._within(period)}"
        )
        if not self._is_elsewhere:
            self._client.command(f"INSERT INTO {THERE} {query}", parameters)
            return
        with self._client.raw_stream(query, parameters, fmt="TabSeparated") as stream:
            rest = b""
            while chunk := stream.read(_CHUNK_BYTES):
                lines, end, rest = (rest + chunk).rpartition(b"\n")
                self._ids.insert(THERE, lines + end, "TabSeparated")

    def _within(self, period: Period) -> str:
        time = self._table.column("emission_time")
        return f"{time} >= fromUnixTimestamp64Micro({period.first}) AND {time} < fromUnixTimestamp64Micro({period.end})"
