"""Create the view ``statements``, with columns for the important parts of a statement.

Columns: ``id``, ``kind`` (xapi or caliper), ``time``, ``actor``, ``verb``, ``object``, ``object_name``, ``course``,
``org``, and ``event`` (the text of the statement).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.clickhouse.tables import STATEMENT_COLUMNS, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

_VIEW = "CREATE OR REPLACE VIEW statements AS"
#: A Caliper envelope contains one event, in ``data``. An xAPI statement has no ``data``.
_STATEMENTS = r"""
WITH
    JSONExtractRaw(event, 'data', 1) AS caliper,
    caliper != '' AS is_caliper,
    if(is_caliper, caliper, event) AS body,
    JSONExtractString(body, 'object', 'id') AS object_id,
    JSONExtractRaw(body, 'object', 'definition', 'name') AS names,
    concat(object_id, ' ', JSONExtractRaw(body, 'context', 'contextActivities'), ' ', JSONExtractRaw(body, 'group'))
        AS contexts,
    extract(contexts, 'block-v1:([^+@/"?&\\s]+\\+[^+@/"?&\\s]+\\+[^+@/"?&\\s]+)') AS block_course,
    extract(contexts, 'course-v1:[^/"?&\\s]+') AS named_course,
    if(named_course = '' AND block_course != '', concat('course-v1:', block_course), named_course) AS course_key,
    JSONExtractString(body, if(is_caliper, 'eventTime', 'timestamp')) AS moment
SELECT
    replaceOne(JSONExtractString(body, 'id'), 'urn:uuid:', '') AS id,
    if(is_caliper, 'caliper', 'xapi') AS kind,
    parseDateTime64BestEffortOrNull(moment, 6, 'UTC') AS time,
    if(is_caliper, JSONExtractString(body, 'actor', 'id'),
       arrayFirst(name -> name != '', [JSONExtractString(body, 'actor', 'account', 'name'),
           JSONExtractString(body, 'actor', 'mbox'), JSONExtractString(body, 'actor', 'mbox_sha1sum')])) AS actor,
    if(is_caliper, JSONExtractString(body, 'action'),
       splitByChar('/', JSONExtractString(body, 'verb', 'id'))[-1]) AS verb,
    object_id AS object,
    if(is_caliper, JSONExtractString(body, 'object', 'name'), JSONExtractKeysAndValues(names, 'String')[1].2)
        AS object_name,
    course_key AS course,
    extract(course_key, 'course-v1:([^+]+)') AS org,
    event
FROM"""


def view_tables(client: Client) -> int:
    """Create the view over all tables of statements, and return the number of tables."""
    found = client.query(
        "SELECT database, table, any(engine) FROM system.columns AS c"
        " JOIN system.tables AS t ON t.database = c.database AND t.name = c.table"
        " WHERE c.name IN {names:Array(String)} AND engine LIKE '%MergeTree'"
        " GROUP BY database, table HAVING count() = length({names:Array(String)}) ORDER BY ALL",
        {"names": list(STATEMENT_COLUMNS)},
    ).result_rows
    rows = [
        f"SELECT event FROM {quoted(database)}.{quoted(table)}"  # noqa: S608 - quoted
        + (" FINAL" if "Replacing" in engine else "")
        for database, table, engine in found
    ]
    if rows:
        client.command(f"{_VIEW} {_STATEMENTS} ({' UNION ALL '.join(rows)})")
    return len(rows)


def view_files(client: Client, folder: Path) -> None:
    """Create the view over all lines of the files in a folder: statements, or rows with one statement each."""
    pattern = str(folder / "*").replace("\\", "\\\\").replace("'", "\\'")
    client.command(
        f"{_VIEW} {_STATEMENTS} (SELECT if(JSONHas(line, 'event_id'), JSONExtractString(line, 'event'), line) AS event"  # noqa: S608 - quoted
        f" FROM file('{pattern}', 'LineAsString', 'line String') WHERE line != '')"
    )
