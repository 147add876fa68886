"""External ids by ranges of user ids: the same as those of the users, in fewer queries and bounded memory."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from log_replay.errors import RejectError
from log_replay.identities import User, ranges
from log_replay.identities.cache import MAX_SINGLE_LOOKUPS, IdentityCache
from log_replay.identities.database import DatabaseLookup, lms_models
from log_replay.identities.lms_tables import ExternalId, ExternalIdType
from log_replay.identities.ranges import MAX_READS, RANGE_BITS, USERS_BEFORE_READ, ExternalIdRanges, uuid_text
from log_replay.records import Event, Position

USERS = 3 << RANGE_BITS


class Tables:
    """A ``Lookup`` with users 1 to ``USERS``: each tenth has no external id, and one has digits as username."""

    def __init__(self) -> None:
        self.rows = {
            user_id: User(user_id, f"user_{user_id}", "", None if user_id % 10 == 0 else str(uuid.UUID(int=user_id)))
            for user_id in range(1, USERS + 1)
        }
        self.rows[7] = self.rows[7]._replace(username="9999")
        self.by_name = {user.username: user for user in self.rows.values()}
        self.reads = 0

    def users(self, ids, usernames):
        found = [self.rows[user_id] for user_id in ids if user_id in self.rows]
        return found + [self.by_name[name] for name in usernames if name in self.by_name]

    def external_ids(self, user_ids):
        self.reads += 1
        users = (self.rows.get(user_id) for user_id in user_ids)
        return [(user.id, user.external_id) for user in users if user and user.external_id]

    def retired_usernames(self, username):
        return []

    def add_external_ids(self, user_ids):
        return {}

    def course_names(self, course_keys):
        return {}


def event_of(user) -> Event:
    return Event(Position("tracking.log", 0), "some.event", {}, b"{}", user, None)


def answer(cache, user):
    try:
        return cache.external_id(user)
    except (RejectError, OverflowError, TypeError) as error:
        return getattr(error, "reason", type(error))


def replay(cache, blocks):
    """Return the answers for the users of all blocks, asked for as a run does."""
    answers = []
    for block in blocks:
        cache.forget_oldest()
        cache.fetch([event_of(user) for user in block if not cache.is_cached(event_of(user))])
        answers += [answer(cache, user) for user in block]
    return answers


ODD = st.sampled_from([0, -1, -2000, 7.0, True, "7", "user_7", "9999", 9999, USERS + 1, 2**63, 2**70, None, "", [1]])
NEAR = st.integers(1, 40) | st.integers(-20, 20).map(lambda more: (1 << RANGE_BITS) + more) | st.integers(1, USERS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(NEAR | NEAR.map(str) | ODD, max_size=30), max_size=8))
def test_answers_are_those_without_ranges(blocks):
    tables = Tables()
    with_ranges = IdentityCache(tables, ExternalIdRanges(tables.external_ids))
    assert replay(with_ranges, blocks) == replay(IdentityCache(Tables()), blocks)


def test_a_range_is_read_once_when_enough_of_its_users_occur():
    tables = Tables()
    cache = IdentityCache(tables, ExternalIdRanges(tables.external_ids))
    replay(cache, [[user] for user in range(1, USERS_BEFORE_READ)])
    assert tables.reads == 0
    replay(cache, [[user] for user in range(USERS_BEFORE_READ, 1 << RANGE_BITS)])
    assert tables.reads == 1


def test_a_block_reads_a_bounded_number_of_ranges():
    reads = []
    store = ExternalIdRanges(lambda user_ids: reads.append(user_ids) or [])
    store.count(number << RANGE_BITS | user for number in range(1, 5 * MAX_READS) for user in range(USERS_BEFORE_READ))
    assert len(reads) == MAX_READS


def test_a_full_memory_forgets_the_oldest_ranges(monkeypatch):
    monkeypatch.setattr(ranges, "MAX_RANGES", 4)
    monkeypatch.setattr(ranges, "BLOCKS_BETWEEN_FORGETTING", 10)
    tables = Tables()
    store = ExternalIdRanges(lambda user_ids: [(user_ids.start, str(uuid.UUID(int=1)))])
    read = []
    for number in range(1, 30):
        store.forget_oldest()
        store.count([number << RANGE_BITS] * USERS_BEFORE_READ)
        in_memory = [before for before in range(1, 30) if store.find(before << RANGE_BITS)]
        assert len(in_memory) <= 4
        read.append(number in in_memory)
    assert read[:4] == [True] * 4
    assert not all(read)
    assert any(read[4:])
    assert tables.reads == 0


def test_code_that_asks_for_whole_users_gets_them_block_by_block():
    tables = Tables()
    cache = IdentityCache(tables, ExternalIdRanges(tables.external_ids))
    replay(cache, [range(1, 1000)])
    for user in range(1, MAX_SINGLE_LOOKUPS + 3):
        assert cache.user(user) == tables.rows[user]
    cache.fetch([event_of(user) for user in range(200, 300)])
    tables.users = None  # type: ignore[assignment] - a further look-up would fail
    assert cache.user(250) == tables.rows[250]


def test_the_ids_of_users_need_no_look_up_of_whole_users():
    tables = Tables()
    cache = IdentityCache(tables, ExternalIdRanges(tables.external_ids))
    replay(cache, [range(1, 1000), ["user_5", 2000]])
    tables.users = None  # type: ignore[assignment] - a further look-up would fail
    assert [cache.user_id(value) for value in (*range(1, 1000), "user_5", "")] == [*range(1, 1000), 5, None]


@pytest.mark.usefixtures("sample_identities")
def test_the_database_answers_for_a_range_in_one_query():
    user = get_user_model().objects.create(id=1030, username="late")
    xapi = ExternalIdType.objects.get(name="xapi")
    ExternalId.objects.create(user=user, external_id_type=xapi, external_user_id=uuid.UUID(int=5))
    lookup = DatabaseLookup(lms_models(), "xapi", add=False)
    expected = {user.id: user.external_id for user in lookup.users(range(1, 2000), ()) if user.external_id}
    with CaptureQueriesContext(connection) as queries:
        found = lookup.external_ids(range(1, 2000))
    assert {user_id: uuid_text(text) for user_id, text in found} == expected
    assert len(queries) == 1
    assert len(expected) > 3
    assert lookup.external_ids(range(1024, 2048)) == [(1030, uuid.UUID(int=5).hex)]


@pytest.mark.usefixtures("sample_identities")
def test_a_range_is_found_by_the_index_of_users():
    """Without statistics, SQLite would choose the index of types, and read a third of the table for each range."""
    lookup = DatabaseLookup(lms_models(), "xapi", add=False)
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        lookup.external_ids(range(1024, 2048))
        index = "CREATE INDEX of_types ON external_user_ids_externalid (external_id_type_id)"
        cursor.execute(index)
        cursor.execute(f"EXPLAIN QUERY PLAN {queries.captured_queries[-2]['sql']}")
        plan = cursor.fetchall()[0][-1]
    assert "(user_id>? AND user_id<?)" in plan
