"""Cache of users and courses: a constant number of queries for a block, and a bounded number of entries."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, cast

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from log_replay.identities import UnknownIdentity, User

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from log_replay.identities.ranges import ExternalIdRanges
    from log_replay.records import Event

K = TypeVar("K")
V = TypeVar("V")

#: The maximum number of entries for users, and for courses. A user has two or three entries, about 500 bytes in all.
CACHE_SIZE = 100_000
#: Values that are longer, in characters, are kept for one block only: no user or course has them, but a log can.
LONGEST_VALUE = 300
#: After this number of look-ups of one user, all users of a block are looked up at once, and no ranges are used. Only
#: event-routing-backends' own code asks for whole users.
MAX_SINGLE_LOOKUPS = 100
#: Up to this number of ids, one query looks them up as ids and as usernames.
FEW_IDS = 32
#: ERB's ``get_user_email`` returns this for an unknown user.
UNKNOWN_EMAIL = "unknown@example.com"
LONE_SURROGATES = re.compile("[\ud800-\udfff]")
#: No database has ids beyond this number.
MAX_ID = 2**63 - 1


class UserKey(NamedTuple):
    """The user that a value in an event may name: the one with this id or, if there is none, with this username.

    Attributes:
        id: the value as an id; None if it cannot be one.
        username: the value as a username; None if no database accepts it as one.
        retirable: the value may be the username of a user who has retired since: a string, and not too long.
    """

    id: int | None
    username: str | None
    retirable: bool


class Subject(NamedTuple):
    """The user and the course that an event names."""

    user: Any
    course_id: Any


class Lookup(Protocol):
    """The LMS's database. Each method takes one query, whatever the number of arguments."""

    def users(self, ids: Collection[int], usernames: Collection[str]) -> list[User]:
        """Return the users with these ids or usernames, with their external ids."""

    def retired_usernames(self, username: str) -> list[str]:
        """Return the usernames that a user may have after retirement."""

    def add_external_ids(self, user_ids: Collection[int]) -> dict[int, str]:
        """Add external ids for these users; return those that were added, by user id."""

    def course_names(self, course_keys: Collection[CourseKey]) -> dict[str, str | None]:
        """Return the display names of existing courses, by course id."""


class IdentityCache:
    """The identities of a run's events (see ``log_replay.identities.Identities``).

    Args:
        lookup: the LMS's database.
        ranges: external ids by ranges of user ids, for statements that need nothing else of a user.
    """

    def __init__(self, lookup: Lookup, ranges: ExternalIdRanges | None = None) -> None:
        self._lookup = lookup
        self._ranges = ranges
        self._single_lookups = 0
        #: The users by the values in events, and by id. None: the LMS has no such user.
        self.users: dict[Any, User | None] = {}
        # Tuples, since a course may have no name. None: the LMS has no such course.
        self._course_names: dict[str, tuple[str | None] | None] = {}
        #: Values that are no course ids.
        self._invalid_courses: set[str] = set()
        self._long_values: list[str] = []

    @property
    def external_ids(self) -> dict[int, bytes] | None:
        """The external ids in memory by number of the range, see ``ExternalIdRanges``; None if there are no ranges."""
        return self._ranges.digits if self._ranges else None

    def has_course(self, course_id: Any) -> bool:
        """Return True if the cache has the course, or knows that the LMS cannot have it."""
        return isinstance(course_id, str) and (course_id in self._course_names or course_id in self._invalid_courses)

    def forget_oldest(self) -> None:
        """Delete the oldest entries of full caches. Call it between blocks only: a block needs its own entries."""
        for value in self._long_values:
            self.users.pop(value, None)
            self._course_names.pop(value, None)
            self._invalid_courses.discard(value)
        self._long_values.clear()
        _shrink(self.users)
        _shrink(self._course_names)
        if len(self._invalid_courses) > CACHE_SIZE:
            self._invalid_courses.clear()
        if self._ranges:
            self._ranges.forget_oldest()

    def is_cached(self, event: Event) -> bool:
        """Return True if the cache has the event's user and course."""
        user, ranges = event.user, self._ranges
        try:
            return (not user or user in self.users or (ranges is not None and ranges.find(user) != "")) and (
                not event.course_id or event.course_id in self._course_names
            )
        except TypeError:  # a value that cannot be hashed names no user or course
            return False

    def fetch(self, events: Iterable[Event | Subject]) -> None:
        """Look up the users and courses of these events.

        This takes two queries, three if an id exists only as a username, and more to add external ids.
        """
        users: set[Any] = set()
        courses: set[str] = set()
        for event in events:
            user, course_id = event.user, event.course_id
            if user and user.__hash__ is not None and user not in self.users:
                users.add(user)
            if isinstance(course_id, str) and not self.has_course(course_id):
                courses.add(course_id)
        if self._ranges:
            self._ranges.count(users)
            users = {user for user in users if not self._ranges.find(user)}
        self._fetch_users(_user_keys(users))
        keys = _course_keys(courses)
        self._fetch_courses(keys)
        self._invalid_courses |= courses - keys.keys()
        self._note_long(courses)

    def user(self, username_or_id: Any) -> User | None:
        """Return the user, or None; see ``Identities``."""
        # A value that cannot be hashed raises TypeError here, as it does in ERB's cache.
        if username_or_id not in self.users:
            if not username_or_id:
                return None
            self._single_lookups += 1
            if self._single_lookups > MAX_SINGLE_LOOKUPS:
                self._ranges = None
            self._fetch_users({username_or_id: _user_key(username_or_id)})
        return self.users[username_or_id]

    def external_id(self, username_or_id: Any) -> str:
        """Return the user's external id; see ``Identities``."""
        user = self.users.get(username_or_id)
        if not user:
            external_id = self._ranges.find(username_or_id) if self._ranges else ""
            if external_id:
                return external_id
            user = self.user(username_or_id)
        if user is None:
            raise UnknownIdentity("unknown_user" if username_or_id else "anonymous")
        if user.external_id is None:
            raise UnknownIdentity("no_external_id")
        return user.external_id

    def user_id(self, username_or_id: Any) -> int | None:
        """Return the id of the user, or None. This is faster than ``user`` for users whose external id is cached."""
        if self._ranges and username_or_id not in self.users and self._ranges.find(username_or_id):
            return int(username_or_id)
        user = self.user(username_or_id)
        return user.id if user else None

    def email(self, username_or_id: Any) -> str:
        """Return the user's email address; see ``Identities``."""
        user = self.user(username_or_id)
        return user.email if user else UNKNOWN_EMAIL

    def course_name(self, course_id: Any) -> str | None:
        """Return the course's display name; see ``Identities``."""
        known = self._course_names.get(course_id)
        if known:
            return known[0]
        if course_id not in self._course_names:
            self._fetch_courses({course_id: CourseKey.from_string(course_id)})
        known = self._course_names[course_id]
        if known is None:
            raise UnknownIdentity("unknown_course")
        return known[0]

    def _fetch_users(self, keys: Mapping[Any, UserKey]) -> None:
        """Look up the users that these keys name, add missing external ids, and put all results into the cache."""
        # Another value may have named the same user before, such as "3" and 3.
        found = {value: user for value, key in keys.items() if (user := self.users.get(key.id))}
        ids = {value: key for value, key in keys.items() if key.id is not None and value not in found}
        usernames = {value: key for value, key in keys.items() if key.id is None}
        # A number that is no user's id may be a username.
        few = len(ids) <= FEW_IDS
        found |= self._find_users(ids, usernames | ids if few else usernames)
        if not few:
            found |= self._find_users({}, {value: key for value, key in ids.items() if value not in found})
        self._cache_users([user for user in found.values() if user.id not in self.users])
        for value in keys:
            self.users[value] = self.users[found[value].id] if value in found else None
        self._note_long(keys)

    def _find_users(self, ids: Mapping[Any, UserKey], usernames: Mapping[Any, UserKey]) -> dict[Any, User]:
        """Return the users with these ids or else these usernames, in one query; unknown ones are left out."""
        current_and_retired = {value: self._current_and_retired(key) for value, key in usernames.items()}
        wanted_ids = {key.id for key in ids.values() if key.id is not None}
        wanted_usernames = {username for names in current_and_retired.values() for username in names}
        if not wanted_ids and not wanted_usernames:
            return {}
        users = self._lookup.users(wanted_ids, wanted_usernames)
        by_id = {user.id: user for user in users}
        by_username = {user.username: user for user in users}
        # MySQL ignores case when it compares usernames, and returns them as they are stored.
        by_folded_username = {user.username.casefold(): user for user in users}
        found = {value: by_id.get(cast("int", key.id)) for value, key in ids.items()}
        for value, names in current_and_retired.items():
            if not found.get(value):
                found[value] = _first(by_username, names) or _first(by_folded_username, map(str.casefold, names))
        return {value: user for value, user in found.items() if user}

    def _current_and_retired(self, key: UserKey) -> list[str]:
        """Return the usernames under which the user may be found, the current one first."""
        if key.username is None:
            return []
        return [key.username, *(self._lookup.retired_usernames(key.username) if key.retirable else ())]

    def _cache_users(self, users: Iterable[User]) -> None:
        """Put users into the cache under their ids, with external ids where they can be added."""
        new = {user.id: user for user in users}
        without = [user.id for user in new.values() if user.external_id is None]
        added = self._lookup.add_external_ids(without) if without else {}
        for user_id, user in new.items():
            cached = user._replace(external_id=added[user_id]) if user_id in added else user
            # Events name the same user by a number or by its digits.
            self.users[user_id] = self.users[str(user_id)] = cached

    def _fetch_courses(self, keys: Mapping[str, CourseKey]) -> None:
        names = self._lookup.course_names(set(keys.values())) if keys else {}
        for course_id, key in keys.items():
            self._course_names[course_id] = (names[str(key)],) if str(key) in names else None
        self._note_long(keys)

    def _note_long(self, values: Iterable[Any]) -> None:
        self._long_values += (value for value in values if isinstance(value, str) and len(value) > LONGEST_VALUE)


def _user_keys(values: Iterable[Any]) -> dict[Any, UserKey]:
    keys = {}
    for value in values:
        with suppress(TypeError, OverflowError):  # raised again by the transform of its event
            keys[value] = _user_key(value)
    return keys


def _course_keys(course_ids: Iterable[str]) -> dict[str, CourseKey]:
    keys = {}
    for course_id in course_ids:
        with suppress(InvalidKeyError):
            keys[course_id] = CourseKey.from_string(course_id)
    return keys


def _user_key(username_or_id: Any) -> UserKey:
    """Return the key for a value as ERB's ``get_user`` does: any value that ``int`` accepts is tried as an id first.

    Raises:
        TypeError: the value can be neither an id nor a username.
        OverflowError: the value is infinite.
    """
    try:
        user_id: int | None = int(username_or_id)
    except ValueError:
        user_id = None
    if user_id is not None and abs(user_id) > MAX_ID:
        user_id = None
    username = str(username_or_id)
    retirable = isinstance(username_or_id, str) and len(username) <= LONGEST_VALUE
    return UserKey(user_id, username if _is_valid_text(username) else None, retirable)


def _is_valid_text(username: str) -> bool:
    """Return True if every database accepts this string: it has no NUL and no lone surrogate."""
    return "\0" not in username and (username.isascii() or not LONE_SURROGATES.search(username))


def _first(users: Mapping[str, User], names: Iterable[str]) -> User | None:
    """Return the user with the first of these names that a user has."""
    return next((users[name] for name in names if name in users), None)


def _shrink(cache: dict[K, V]) -> None:
    """Delete the older half of a full cache."""
    if len(cache) > CACHE_SIZE:
        for key in list(cache)[: len(cache) - CACHE_SIZE // 2]:
            del cache[key]
