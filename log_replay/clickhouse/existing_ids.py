"""Find the statements that a table already has, by their ids and the times of their events."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from log_replay.clickhouse.rows import UnstorableStatement, emission_time, event_id, microseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from log_replay.clickhouse.tables import Table
    from log_replay.records import Statement

#: 5000 ids of 39 bytes fit into the maximum query size that ``_query_ids`` sets.
_IDS_PER_QUERY = 5000
_MAX_QUERY_BYTES = 1 << 20
#: A query has one time range for all events without a longer gap between them. A single event at a distant time must
#: not make ClickHouse read everything between it and the others.
_GAP = timedelta(minutes=10)
_MAX_RANGES = 50
#: The rows may have been written by a program that stores fewer digits of a second.
_TOLERANCE = timedelta(seconds=1)


class _Key(NamedTuple):
    moment: datetime
    event_id: str


def find_existing_ids(client: Client, table: Table, statements: Iterable[Statement]) -> frozenset[str]:
    """Return the UUIDs of those statements that are in the table.

    The table is sorted by time, so ClickHouse reads only the parts of the table around these times.
    """
    keys = iter(sorted(_keys(statements)))
    present: set[str] = set()
    while chunk := list(islice(keys, _IDS_PER_QUERY)):
        present.update(_query_ids(client, table, chunk))
    return frozenset(present)


def _keys(statements: Iterable[Statement]) -> Iterator[_Key]:
    for statement in statements:
        try:
            yield _Key(emission_time(statement), event_id(statement))
        except UnstorableStatement:
            continue  # the table cannot have a row for it


def _query_ids(client: Client, table: Table, keys: list[_Key]) -> Iterator[str]:
    time, identifier = table.column("emission_time"), table.column("event_id")
    ranges = " OR ".join(
        f"{time} BETWEEN fromUnixTimestamp64Micro({first}) AND fromUnixTimestamp64Micro({last})"
        for first, last in _ranges([key.moment for key in keys])
    )
    ids = ",".join(f"'{key.event_id}'" for key in keys)
    query = f"SELECT DISTINCT {identifier} FROM {table} WHERE ({ranges}) AND {identifier} IN ({ids})"  # noqa: S608 - quoted names and UUIDs
    response = client.raw_query(query, fmt="TabSeparated", settings={"max_query_size": _MAX_QUERY_BYTES})
    return iter(response.decode("ascii").split())


def _ranges(moments: list[datetime]) -> Iterator[tuple[int, int]]:
    """Yield the smallest number of time ranges that contain the sorted moments and no gap longer than ``_GAP``."""
    gaps = sorted(
        (
            (later - earlier, number)
            for number, (earlier, later) in enumerate(pairwise(moments), 1)
            if later - earlier > _GAP
        ),
        reverse=True,
    )
    cuts = sorted(number for _, number in gaps[: _MAX_RANGES - 1])
    for first, end in pairwise([0, *cuts, len(moments)]):
        yield microseconds(moments[first] - _TOLERANCE), microseconds(moments[end - 1] + _TOLERANCE)
