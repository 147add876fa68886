"""Identities: found as edx-platform finds them, in a constant number of queries."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from opaque_keys import InvalidKeyError

from log_replay.errors import IdentityError
from log_replay.identities import UnknownIdentity
from log_replay.identities import cache as directory_module
from log_replay.identities.cache import IdentityCache
from log_replay.identities.database import DatabaseLookup, lms_models
from log_replay.identities.lms_tables import CourseOverview, ExternalId, ExternalIdType
from log_replay.records import Event, Position

pytestmark = pytest.mark.usefixtures("sample_identities")


def directory(*, add=False, external_id_type="xapi") -> IdentityCache:
    return IdentityCache(DatabaseLookup(lms_models(), external_id_type, add=add))


def about(user=None, course=None) -> Event:
    return Event(Position("tracking.log", 0), "some.event", {}, b"{}", user, course)


@pytest.mark.parametrize("named", [3, "3", 3.0, "ada", " 3 "])
def test_a_user_is_found_by_id_digits_or_username(named):
    assert directory().user(named).id == 3


def test_digits_that_are_no_id_are_a_username():
    get_user_model().objects.create(id=77, username="9000")
    assert directory().user("9000").id == 77


def test_a_retired_user_is_found_by_the_old_username():
    assert directory().user("farah").username.startswith("retired__user_")


@pytest.mark.parametrize("nobody", [None, "", 0, False])
def test_nobody_is_anonymous(nobody):
    with pytest.raises(UnknownIdentity) as caught:
        directory().external_id(nobody)
    assert caught.value.reason == "anonymous"
    assert directory().email(nobody) == "unknown@example.com"


@pytest.mark.parametrize("stranger", ["stranger", 4711, 10**30, -5, "\ud800", "nul\0", "x" * 5000, "😀"])
def test_whoever_is_not_there_is_unknown(stranger):
    with pytest.raises(UnknownIdentity) as caught:
        directory().external_id(stranger)
    assert caught.value.reason == "unknown_user"


@pytest.mark.parametrize(("odd", "error"), [([1], TypeError), ({"id": 1}, TypeError), (float("inf"), OverflowError)])
def test_what_cannot_name_a_user_raises_as_upstream_does(odd, error):
    with pytest.raises(error):
        directory().external_id(odd)


def test_no_content_of_an_event_breaks_the_block_it_is_in():
    found = directory()
    odd = [[1], {"a": 1}, float("nan"), float("inf"), True, "\ud800", "nul\0", 10**40, "x" * 100_000, "%s'\"--"]
    found.fetch([about(user, course) for user in odd for course in [None, 5, [], "course-v1:\ud800+a+b", "x" * 9999]])
    assert found.user(3).username == "ada"


def test_a_user_gets_an_external_id_where_that_is_allowed():
    external_id = directory(add=True).external_id("noor")
    assert uuid.UUID(external_id).version == 4
    assert directory().external_id("noor") == external_id


def test_a_user_without_external_id_is_rejected_where_adding_is_not_allowed():
    with pytest.raises(UnknownIdentity) as caught:
        directory().external_id("noor")
    assert caught.value.reason == "no_external_id"
    assert not ExternalId.objects.filter(user_id=10).exists()


def test_only_users_that_events_name_get_external_ids():
    get_user_model().objects.create(id=78, username="3")
    directory(add=True).fetch([about(3)])
    assert not ExternalId.objects.filter(user_id=78).exists()


def test_old_sites_without_the_type_fall_back_to_lti():
    ExternalId.objects.all().delete()
    ExternalIdType.objects.filter(name="xapi").delete()
    assert directory(add=True).external_id(3)
    assert ExternalId.objects.filter(user_id=3, external_id_type__name="lti").exists()


def test_a_site_that_knows_no_such_ids_at_all_is_an_error():
    ExternalId.objects.all().delete()
    ExternalIdType.objects.all().delete()
    with pytest.raises(IdentityError, match="run the LMS's migrations"):
        directory().external_id(3)


def test_courses_have_names(sample_identities):
    for course in sample_identities["courses"]:
        assert directory().course_name(course["id"]) == course["display_name"]


def test_an_unknown_course_is_told_from_what_is_no_course_id():
    with pytest.raises(UnknownIdentity) as caught:
        directory().course_name("course-v1:No+Such+Course")
    assert caught.value.reason == "unknown_course"
    with pytest.raises(InvalidKeyError):
        directory().course_name("no course id")


def many(count: int) -> list[Event]:
    users = get_user_model()
    people = [users(id=1000 + number, username=f"u{number}") for number in range(count)]
    users.objects.bulk_create(people)
    xapi = ExternalIdType.objects.get(name="xapi")
    ExternalId.objects.bulk_create(ExternalId(user=user, external_id_type=xapi) for user in people)
    CourseOverview.objects.bulk_create(
        CourseOverview(id=f"course-v1:M+C+{number}", display_name="M") for number in range(20)
    )
    return [
        about(1000 + number if number % 2 else f"u{number}", f"course-v1:M+C+{number % 20}") for number in range(count)
    ]


def test_a_block_costs_two_queries_whatever_it_holds():
    for count in (1, 900):
        ExternalId.objects.filter(user_id__gte=1000).delete()
        get_user_model().objects.filter(id__gte=1000).delete()
        CourseOverview.objects.filter(id__startswith="course-v1:M").delete()
        found, events = directory(), many(count)
        found.external_id(3)  # the type's row is looked up once in a run
        with CaptureQueriesContext(connection) as queries:
            found.fetch(events)
            for event in events:
                found.external_id(event.user)
                found.course_name(event.course_id)
        assert len(queries) == 2


def test_a_block_in_which_users_are_named_in_several_ways_costs_one_query_more():
    """Only ids that nobody has are looked up once more, as usernames."""
    get_user_model().objects.create(id=77, username="9000")
    found = directory()
    found.external_id(3)
    with CaptureQueriesContext(connection) as queries:
        found.fetch([about(user) for user in (3, "3", "ada", 4, "9000", 4711, "stranger", "farah")])
        named = {user: found.user(user) for user in (3, "3", "ada", "9000", 4711, "stranger")}
    assert {name: user and user.id for name, user in named.items()} == {
        3: 3, "3": 3, "ada": 3, "9000": 77, 4711: None, "stranger": None,
    }  # fmt: skip
    assert len(queries) == 2


@pytest.mark.parametrize("user", [3, "3", "ada", None, "", [1], {"id": 1}, 10**40])
def test_what_was_fetched_is_known(user):
    """Or else each block would wait for it anew."""
    found, event = directory(), about(user, "course-v1:No+Such+Course")
    assert not found.knows(event)
    found.fetch([event])
    assert found.knows(event) is not (isinstance(user, list | dict))


def test_who_was_named_by_number_is_known_by_its_digits():
    found = directory()
    found.fetch([about(3)])
    assert found.knows(about("3"))
    assert found.user("3") == found.user(3)


def test_external_ids_are_added_in_bulk():
    events = many(500)
    ExternalId.objects.filter(user_id__gte=1000).delete()
    found = directory(add=True)
    found.external_id(3)
    with CaptureQueriesContext(connection) as queries:
        found.fetch(events)
    inserts = [query for query in queries if query["sql"].startswith("INSERT")]
    assert len(inserts) <= 3  # Django puts no more than 199 of these rows into one statement of SQLite's
    assert ExternalId.objects.filter(user_id__gte=1000).count() == 500


def test_what_was_asked_once_is_kept():
    found = directory()
    found.fetch([about(3, "course-v1:No+Such+Course"), about("stranger")])
    with CaptureQueriesContext(connection) as queries:
        found.fetch([about(3, "course-v1:No+Such+Course"), about("stranger")])
    assert len(queries) == 0


def test_a_full_cache_forgets_but_never_a_block_s_own_answers(monkeypatch):
    monkeypatch.setattr(directory_module, "CACHE_SIZE", 10)
    found, events = directory(), many(50)
    for _ in range(3):
        found.forget_oldest()
        found.fetch(events)
        with CaptureQueriesContext(connection) as queries:
            assert all(found.external_id(event.user) for event in events)
        assert len(queries) == 0
    found.forget_oldest()
    assert len(found._users) <= 10


def test_statements_by_mail_need_no_external_ids():
    found = directory(external_id_type=None, add=True)
    assert found.email(10) == "user10@example.com"
    assert not ExternalId.objects.filter(user_id=10).exists()
