"""Which statements a table has already: asked by id, within the times that they have."""

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

#: ClickHouse parses a query of 256 KiB at most.
_IDS_PER_QUERY = 5000
#: Times further apart than this are asked for as ranges of their own, so that one stray event does not make ClickHouse
#: read all that lies between.
_GAP = timedelta(minutes=10)
_MOST_RANGES = 50
#: Whoever wrote the table may have kept fewer digits of a second.
_SLACK = timedelta(seconds=1)


class _Asked(NamedTuple):
    moment: datetime
    event_id: str


def find_existing_ids(client: Client, table: Table, statements: Iterable[Statement]) -> frozenset[str]:
    """Return those of the statements' UUIDs that are in the table.

    The table is sorted by time, so that only the parts of it that hold these times are read.
    """
    asked = sorted(_askable(statements))
    present: set[str] = set()
    rest = iter(asked)
    while part := list(islice(rest, _IDS_PER_QUERY)):
        present.update(_ask(client, table, part))
    return frozenset(present)


def _askable(statements: Iterable[Statement]) -> Iterator[_Asked]:
    for statement in statements:
        try:
            yield _Asked(emission_time(statement), event_id(statement))
        except UnstorableStatement:
            continue  # no row can be its


def _ask(client: Client, table: Table, asked: list[_Asked]) -> Iterator[str]:
    time, identifier = table.column("emission_time"), table.column("event_id")
    ranges = " OR ".join(
        f"{time} BETWEEN fromUnixTimestamp64Micro({first}) AND fromUnixTimestamp64Micro({last})"
        for first, last in _ranges([each.moment for each in asked])
    )
    ids = ",".join(f"'{each.event_id}'" for each in asked)
    query = f"SELECT DISTINCT {identifier} FROM {table} WHERE ({ranges}) AND {identifier} IN ({ids})"  # noqa: S608 - quoted names and UUIDs
    answer = client.raw_query(query, fmt="TabSeparated", settings={"max_query_size": 1 << 20})
    return iter(answer.decode("ascii").split())


def _ranges(moments: list[datetime]) -> Iterator[tuple[int, int]]:
    """Yield the fewest ranges that hold these sorted moments and no large gap between them."""
    gaps = sorted(
        (
            (later - earlier, number)
            for number, (earlier, later) in enumerate(pairwise(moments), 1)
            if later - earlier > _GAP
        ),
        reverse=True,
    )
    cuts = sorted(number for _, number in gaps[: _MOST_RANGES - 1])
    for first, end in pairwise([0, *cuts, len(moments)]):
        yield microseconds(moments[first] - _SLACK), microseconds(moments[end - 1] + _SLACK)
