"""Dumps: batches, selected objects, failures, and continuing after them."""

from __future__ import annotations

import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from log_replay.dump.dump_options import DUMP_OPTIONS, read_dump_options
from log_replay.dump.event_sink import EventSink
from log_replay.errors import ConfigurationError
from log_replay.retry import RetryPolicy
from tests.support.event_sinks import dumped_rows

TABLE_IS_READ_ONLY, TOO_MANY_PARTS, CANNOT_PARSE, ACCESS_DENIED = 242, 252, 27, 497
SHORT_RETRIES = RetryPolicy(retries=2, first_delay_seconds=0.01, max_delay_seconds=0.02)
USERS = 12


@pytest.fixture
def external_ids(db) -> list[int]:
    """The primary keys of some external ids, with gaps between them."""
    from django.contrib.auth.models import User

    from log_replay.identities.lms_tables import ExternalId, ExternalIdType

    kind = ExternalIdType.objects.get(name="xapi")
    for number in range(USERS):
        user = User.objects.create(username=f"user{number}")
        ExternalId.objects.create(
            id=1000 + number * 7, user=user, external_id_type=kind, external_user_id=uuid.UUID(int=number)
        )
    return list(ExternalId.objects.order_by("id").values_list("id", flat=True))


@pytest.fixture
def make_dump(clickhouse, event_sink):
    """Return a function that creates a dump of external ids."""

    def make(**given):
        from log_replay.dump.dumping import Dump

        return Dump(dump_options(**clickhouse.config, database=event_sink, sleep_time=0, **given), SHORT_RETRIES)

    return make


@pytest.fixture
def dumped_users(clickhouse, event_sink):
    """Return a function that returns the usernames of the dumped external ids."""

    def users(final=""):
        query = f"SELECT username FROM {event_sink}.external_id {final} ORDER BY external_user_id"
        return [row["username"] for row in clickhouse.rows(query)]

    return users


def dump_options(**given):
    defaults = {name: False if row.flag else row.default for name, row in DUMP_OPTIONS.items()}
    return read_dump_options({**defaults, "object": "external_id", **given})


def names(*numbers: int) -> list[str]:
    return [f"user{number}" for number in numbers]


@pytest.mark.parametrize("batch_size", [1, 5, 6, USERS, 100])
def test_every_batch_size_dumps_each_object_once(make_dump, external_ids, dumped_users, batch_size):
    report = make_dump(batch_size=batch_size).dump()
    assert dumped_users() == names(*range(USERS))
    assert (report.dumped, report.last_pk, report.stopped) == (USERS, str(external_ids[-1]), None)


def test_each_page_needs_one_query(make_dump, external_ids, django_assert_num_queries):
    dump = make_dump(batch_size=5)
    with django_assert_num_queries(4):  # three pages with objects, and the query that finds no more
        dump.dump()


def test_start_pk_continues_after_that_object(make_dump, external_ids, dumped_users):
    make_dump(start_pk=str(external_ids[4]), batch_size=3).dump()
    assert dumped_users() == names(*range(5, USERS))


def test_start_pk_0_starts_at_the_first_object(make_dump, external_ids, dumped_users):
    make_dump(start_pk="0").dump()
    assert dumped_users() == names(*range(USERS))


def test_ids_and_ids_to_skip_select_objects(make_dump, external_ids, dumped_users):
    chosen = [str(external_ids[at]) for at in (7, 1, 3)]
    report = make_dump(ids=chosen, ids_to_skip=[f" {chosen[2]} "], batch_size=2).dump()
    assert dumped_users() == names(1, 7)
    assert (report.dumped, report.skipped) == (2, 1)


@pytest.mark.parametrize("batch_size", [2, 3, 5, 100])
def test_limit_is_exact_and_the_next_dump_continues(make_dump, external_ids, dumped_users, batch_size):
    report = make_dump(limit=5, batch_size=batch_size).dump()
    assert dumped_users() == names(*range(5))
    make_dump(limit=5, batch_size=batch_size, start_pk=report.last_pk).dump()
    assert dumped_users() == names(*range(10))


def test_dump_sleeps_between_batches_only(clickhouse, event_sink, external_ids):
    from log_replay.dump.dumping import Dump

    sleeps = []
    options = dump_options(**clickhouse.config, database=event_sink, sleep_time=10_000, batch_size=6)
    Dump(options, sleep=sleeps.append).dump()
    first, second = sleeps
    assert first == 0
    assert 0 < second <= 10_000


@pytest.mark.parametrize("fault", [{"code": TOO_MANY_PARTS}, {"status": 503}, {"reset": True}])
def test_temporary_error_is_retried(make_dump, external_ids, dumped_users, clickhouse, fault):
    clickhouse.inject(*[{"query": "INSERT", **fault}] * 2)
    report = make_dump(batch_size=5).dump()
    assert report.stopped is None
    assert dumped_users() == names(*range(USERS))


def test_lost_response_duplicates_nothing(make_dump, external_ids, dumped_users, clickhouse):
    clickhouse.inject({"query": "INSERT", "reset": True, "after": True})
    make_dump().dump()
    assert dumped_users("FINAL") == names(*range(USERS))


def test_stopped_dump_reports_the_last_pk(make_dump, external_ids, dumped_users, clickhouse):
    dump = make_dump(batch_size=5)
    clickhouse.inject({"query": "INSERT"}, *[{"query": "INSERT", "code": TABLE_IS_READ_ONLY}] * 3)
    report = dump.dump()
    assert "TABLE_IS_READ_ONLY" in report.stopped
    assert (report.dumped, report.last_pk) == (5, str(external_ids[4]))
    make_dump(batch_size=5, start_pk=report.last_pk).dump()
    assert dumped_users() == names(*range(USERS))


def test_command_prints_the_start_pk_of_the_next_dump(clickhouse, event_sink, external_ids):
    options = {**clickhouse.config, "database": event_sink, "object": "external_id", "sleep_time": 0}
    clickhouse.inject({"query": "INSERT"}, {"query": "INSERT", "code": ACCESS_DENIED})
    with pytest.raises(
        CommandError, match=rf"^stopped: .*ACCESS_DENIED.* continue with --start_pk {external_ids[4]}$"
    ) as raised:
        call_command("dump_data_to_clickhouse", batch_size=5, **options)
    assert raised.value.returncode == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OperationalError("near secret"), "read external_user_ids_externalid: OperationalError"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_failing_database_stops_the_dump_after_whole_pages(make_dump, external_ids, dumped_users, error, reason):
    dump = make_dump(batch_size=5)
    queries = iter(range(2))

    def fail(execute, *query):
        if next(queries, None) is None:
            raise error
        return execute(*query)

    with connection.execute_wrapper(fail):
        report = dump.dump()
    assert report.stopped == reason
    assert report.last_pk == str(external_ids[9])
    assert dumped_users() == names(*range(10))


def test_refused_rows_are_not_quoted(make_dump, external_ids, clickhouse):
    dump = make_dump()
    clickhouse.inject({"query": "INSERT", "code": CANNOT_PARSE})
    report = dump.dump()
    assert str(CANNOT_PARSE) in report.stopped
    assert "secret" not in report.stopped


def test_missing_table_is_found_before_any_query(clickhouse, db, django_assert_num_queries):
    from log_replay.dump.dumping import Dump

    with pytest.raises(ConfigurationError, match=r"no such table.*--create_tables"):
        Dump(dump_options(**clickhouse.config, database="nowhere"))


def test_create_tables_creates_missing_tables(clickhouse, external_ids, event_sink):
    from log_replay.dump.dumping import Dump

    database = f"{event_sink}_made"
    Dump(dump_options(**clickhouse.config, database=database, create_tables=True)).dump()
    assert len(dumped_rows(clickhouse, f"{database}.external_id")) == USERS


def test_missing_column_is_named(make_dump, clickhouse, event_sink, db):
    clickhouse.query(f"ALTER TABLE {event_sink}.external_id DROP COLUMN username")
    with pytest.raises(ConfigurationError, match="no such columns: username"):
        make_dump()


def test_additional_columns_are_left_alone(make_dump, clickhouse, event_sink, external_ids, dumped_users):
    """Rows are inserted by the names of columns; the plugin relies on their order."""
    clickhouse.query(f"ALTER TABLE {event_sink}.external_id ADD COLUMN mine String DEFAULT 'x' FIRST")
    make_dump().dump()
    assert dumped_users() == names(*range(USERS))


def test_wrong_password_is_reported_and_not_shown(clickhouse, event_sink, db):
    from log_replay.dump.dumping import Dump

    connection = {**clickhouse.config, "password": "not this one"}
    with pytest.raises(ConfigurationError) as raised:
        Dump(dump_options(**connection, database=event_sink))
    assert "not this one" not in str(raised.value)


def test_last_dumped_of_many_courses_ignores_invalid_times(clickhouse, event_sink):
    dumped = {f"course{number:03}": f"2026-03-01 08:00:{number % 60:02}.000001+00:00" for number in range(120)}
    earlier = dict.fromkeys(dumped, "2026-02-28 23:00:00.000001+00:00")
    rows = [*earlier.items(), *dumped.items(), ("garbled", "yesterday")]
    values = ", ".join(f"('{key}', generateUUIDv4(), '{text}')" for key, text in rows)
    clickhouse.query(
        f"INSERT INTO {event_sink}.course_overviews (course_key, dump_id, time_last_dumped) VALUES {values}"
    )
    sink = EventSink(clickhouse.config, event_sink)
    found = sink.last_dumped("course_overviews", "course_key", [*dumped, "garbled", "never"])
    sink.close()
    assert {key: str(when) for key, when in found.items()} == dumped


def test_new_and_modified_courses_are_due():
    from datetime import UTC, datetime, timedelta

    from log_replay.dump.dumping import _is_due

    dumped = datetime(2026, 3, 1, tzinfo=UTC)
    assert _is_due(None, None)
    assert _is_due(dumped, None)
    assert _is_due(dumped + timedelta(seconds=1), dumped)
    assert not _is_due(dumped, dumped)
    assert not _is_due(None, dumped)
