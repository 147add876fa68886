"""The identity cache: the same users and courses as in edx-platform, in a constant number of queries."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from opaque_keys import InvalidKeyError

from log_replay.errors import IdentityError
from log_replay.identities import UnknownIdentity
from log_replay.identities import cache as cache_module
from log_replay.identities.cache import IdentityCache
from log_replay.identities.database import DatabaseLookup, lms_models
from log_replay.identities.lms_tables import CourseOverview, ExternalId, ExternalIdType
from log_replay.records import Event, Position

pytestmark = pytest.mark.usefixtures("sample_identities")


def identities(*, add=False, external_id_type="xapi") -> IdentityCache:
    return IdentityCache(DatabaseLookup(lms_models(), external_id_type, add=add))


def event_of(user=None, course=None) -> Event:
    return Event(Position("tracking.log", 0), "some.event", {}, b"{}", user, course)


@pytest.mark.parametrize("value", [3, "3", 3.0, "ada", " 3 "])
def test_a_user_is_found_by_id_digits_or_username(value):
    assert identities().user(value).id == 3


def test_digits_that_are_no_user_id_are_a_username():
    get_user_model().objects.create(id=77, username="9000")
    assert identities().user("9000").id == 77


def test_a_retired_user_is_found_by_the_old_username():
    assert identities().user("farah").username.startswith("retired__user_")


@pytest.mark.parametrize("no_user", [None, "", 0, False])
def test_an_event_without_a_user_is_anonymous(no_user):
    with pytest.raises(UnknownIdentity) as caught:
        identities().external_id(no_user)
    assert caught.value.reason == "anonymous"
    assert identities().email(no_user) == "unknown@example.com"


@pytest.mark.parametrize("value", ["stranger", 4711, 10**30, -5, "\ud800", "nul\0", "x" * 5000, "😀"])
def test_a_user_that_the_lms_does_not_have_is_unknown(value):
    with pytest.raises(UnknownIdentity) as caught:
        identities().external_id(value)
    assert caught.value.reason == "unknown_user"


@pytest.mark.parametrize(("value", "error"), [([1], TypeError), ({"id": 1}, TypeError), (float("inf"), OverflowError)])
def test_other_json_types_raise_the_same_as_upstream(value, error):
    with pytest.raises(error):
        identities().external_id(value)


def test_invalid_users_and_courses_do_not_fail_the_block():
    cache = identities()
    odd = [[1], {"a": 1}, float("nan"), float("inf"), True, "\ud800", "nul\0", 10**40, "x" * 100_000, "%s'\"--"]
    cache.fetch(
        [event_of(user, course) for user in odd for course in [None, 5, [], "course-v1:\ud800+a+b", "x" * 9999]]
    )
    assert cache.user(3).username == "ada"


def test_a_missing_external_id_is_added_if_allowed():
    external_id = identities(add=True).external_id("noor")
    assert uuid.UUID(external_id).version == 4
    assert identities().external_id("noor") == external_id


def test_a_missing_external_id_is_a_reject_if_not_added():
    with pytest.raises(UnknownIdentity) as caught:
        identities().external_id("noor")
    assert caught.value.reason == "no_external_id"
    assert not ExternalId.objects.filter(user_id=10).exists()


def test_external_ids_are_added_only_for_users_in_events():
    get_user_model().objects.create(id=78, username="3")
    identities(add=True).fetch([event_of(3)])
    assert not ExternalId.objects.filter(user_id=78).exists()


def test_a_missing_external_id_type_falls_back_to_lti():
    ExternalId.objects.all().delete()
    ExternalIdType.objects.filter(name="xapi").delete()
    assert identities(add=True).external_id(3)
    assert ExternalId.objects.filter(user_id=3, external_id_type__name="lti").exists()


def test_an_lms_without_external_id_types_is_an_error():
    ExternalId.objects.all().delete()
    ExternalIdType.objects.all().delete()
    with pytest.raises(IdentityError, match="run the LMS's migrations"):
        identities().external_id(3)


def test_courses_have_display_names(sample_identities):
    for course in sample_identities["courses"]:
        assert identities().course_name(course["id"]) == course["display_name"]


def test_unknown_courses_differ_from_invalid_course_ids():
    with pytest.raises(UnknownIdentity) as caught:
        identities().course_name("course-v1:No+Such+Course")
    assert caught.value.reason == "unknown_course"
    with pytest.raises(InvalidKeyError):
        identities().course_name("no course id")


def events_of_new_users(count: int) -> list[Event]:
    model = get_user_model()
    new_users = [model(id=1000 + number, username=f"u{number}") for number in range(count)]
    model.objects.bulk_create(new_users)
    xapi = ExternalIdType.objects.get(name="xapi")
    ExternalId.objects.bulk_create(ExternalId(user=user, external_id_type=xapi) for user in new_users)
    CourseOverview.objects.bulk_create(
        CourseOverview(id=f"course-v1:M+C+{number}", display_name="M") for number in range(20)
    )
    return [
        event_of(1000 + number if number % 2 else f"u{number}", f"course-v1:M+C+{number % 20}")
        for number in range(count)
    ]


def test_a_block_takes_two_queries_whatever_its_size():
    for count in (1, 900):
        ExternalId.objects.filter(user_id__gte=1000).delete()
        get_user_model().objects.filter(id__gte=1000).delete()
        CourseOverview.objects.filter(id__startswith="course-v1:M").delete()
        cache, events = identities(), events_of_new_users(count)
        cache.external_id(3)  # the external id type is looked up once in a run
        with CaptureQueriesContext(connection) as queries:
            cache.fetch(events)
            for event in events:
                cache.external_id(event.user)
                cache.course_name(event.course_id)
        assert len(queries) == 2


@pytest.mark.parametrize("number", [1, 1000])
def test_numbers_that_are_usernames_take_one_more_query_at_most(number):
    get_user_model().objects.create(id=77, username="9000")
    cache = identities()
    cache.external_id(3)
    with CaptureQueriesContext(connection) as queries:
        more = range(5000, 5000 + number)
        cache.fetch([event_of(user) for user in (3, "3", "ada", 4, "9000", 4711, "stranger", "farah", *more)])
        named = {user: cache.user(user) for user in (3, "3", "ada", "9000", 4711, "stranger")}
    assert {name: user and user.id for name, user in named.items()} == {
        3: 3, "3": 3, "ada": 3, "9000": 77, 4711: None, "stranger": None,
    }  # fmt: skip
    assert len(queries) == (1 if number == 1 else 2)


@pytest.mark.parametrize("user", [3, "3", "ada", None, "", [1], {"id": 1}, 10**40])
def test_fetched_events_need_no_further_look_up(user):
    cache, event = identities(), event_of(user, "course-v1:No+Such+Course")
    assert not cache.is_cached(event)
    cache.fetch([event])
    assert cache.is_cached(event) is not (isinstance(user, list | dict))


def test_a_user_fetched_by_number_is_also_cached_by_digits():
    cache = identities()
    cache.fetch([event_of(3)])
    assert cache.is_cached(event_of("3"))
    assert cache.user("3") == cache.user(3)


def test_external_ids_are_added_in_bulk():
    events = events_of_new_users(500)
    ExternalId.objects.filter(user_id__gte=1000).delete()
    cache = identities(add=True)
    cache.external_id(3)
    with CaptureQueriesContext(connection) as queries:
        cache.fetch(events)
    inserts = [query for query in queries if query["sql"].startswith("INSERT")]
    assert len(inserts) <= 3  # Django puts no more than 199 of these rows into one statement of SQLite's
    assert ExternalId.objects.filter(user_id__gte=1000).count() == 500


def test_results_are_cached_also_for_unknown_users():
    cache = identities()
    cache.fetch([event_of(3, "course-v1:No+Such+Course"), event_of("stranger")])
    with CaptureQueriesContext(connection) as queries:
        cache.fetch([event_of(3, "course-v1:No+Such+Course"), event_of("stranger")])
    assert len(queries) == 0


def test_a_full_cache_keeps_the_entries_of_its_block(monkeypatch):
    monkeypatch.setattr(cache_module, "CACHE_SIZE", 10)
    cache, events = identities(), events_of_new_users(50)
    for _ in range(3):
        cache.forget_oldest()
        cache.fetch(events)
        with CaptureQueriesContext(connection) as queries:
            assert all(cache.external_id(event.user) for event in events)
        assert len(queries) == 0
    cache.forget_oldest()
    assert len(cache.users) <= 10


def test_long_values_are_kept_for_one_block_only():
    cache, course = identities(), "course-v1:edX+DemoX+2026"
    long = ["x" * 5000, "3" + " " * 5000], [f"course-v1:{'x' * 5000}+b+c", "x" * 5000]
    for _ in range(2):
        cache.fetch([event_of(3, course), *(event_of(user, course) for user in long[0])])
        cache.fetch([event_of(3, found) for found in long[1]])
        assert [cache.user_id(user) for user in long[0]] == [None, 3]
        assert all(map(cache.has_course, long[1]))
        cache.forget_oldest()
        assert not any(map(cache.has_course, long[1]))
    assert cache.users.keys() == {3, "3"}
    assert cache.has_course(course)


def test_actors_by_mail_need_no_external_ids():
    cache = identities(external_id_type=None, add=True)
    assert cache.email(10) == "user10@example.com"
    assert not ExternalId.objects.filter(user_id=10).exists()
