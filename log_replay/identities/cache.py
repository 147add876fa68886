"""A whole block's identities in a constant number of queries, kept in bounded caches."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

from log_replay.identities import UnknownIdentity, User

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from log_replay.records import Event

K = TypeVar("K")
V = TypeVar("V")

#: Names kept at most, of each kind. A user has two or three, which take about 500 bytes with what they stand for.
CACHE_SIZE = 100_000
#: What ERB's ``get_user_email`` says of somebody it does not know.
UNKNOWN_EMAIL = "unknown@example.com"
LONE_SURROGATES = re.compile("[\ud800-\udfff]")
#: Beyond this no database has an id, so none is asked.
MAX_ID = 2**63 - 1


class UserKey(NamedTuple):
    """A user as an event names one: what can be an id is an id first, and a username if nobody has that id."""

    id: int | None
    username: str | None
    retirable: bool


class Lookup(Protocol):
    """The database's answers, each in one query for everything asked."""

    def users(self, ids: Collection[int], usernames: Collection[str]) -> list[User]:
        """Return the users with these ids or these usernames, and the external ids that they have."""

    def retired_usernames(self, username: str) -> list[str]:
        """Return the names that a user would bear after retirement."""

    def add_external_ids(self, user_ids: Collection[int]) -> dict[int, str]:
        """Give these users external ids and return them; none for those who could not or need not get one."""

    def course_names(self, course_keys: Collection[CourseKey]) -> dict[str, str | None]:
        """Return the display names of those of these courses that exist, by course id."""


class IdentityCache:
    """The identities of the run's events (see ``log_replay.identities.Identities``).

    Args:
        lookup: who answers.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._users: dict[Any, User | None] = {}
        self._course_names: dict[str, tuple[str | None] | None] = {}

    def forget_oldest(self) -> None:
        """Make room in full caches: between blocks only, for a block's own answers must stay."""
        _shrink(self._users)
        _shrink(self._course_names)

    def knows(self, event: Event) -> bool:
        """Return whether nothing has to be fetched for an event."""
        try:
            return (not event.user or event.user in self._users) and (
                not event.course_id or event.course_id in self._course_names
            )
        except TypeError:  # what cannot be hashed is no user and no course
            return False

    def fetch(self, events: Iterable[Event]) -> None:
        """Fetch what these events will ask for: in two queries, or three where an id is nobody's.

        Adding external ids takes more.
        """
        users: set[Any] = set()
        courses: set[str] = set()
        for event in events:
            user, course_id = event.user, event.course_id
            if user and user.__hash__ is not None and user not in self._users:
                users.add(user)
            if isinstance(course_id, str) and course_id not in self._course_names:
                courses.add(course_id)
        self._look_up_users(_user_keys(users))
        self._look_up_courses(_course_keys(courses))

    def user(self, username_or_id: Any) -> User | None:
        """Return the user, found even under a retired username, or None."""
        # What cannot be hashed raises TypeError here, as it does in ERB's cache.
        if username_or_id not in self._users:
            if not username_or_id:
                return None
            self._look_up_users({username_or_id: _user_key(username_or_id)})
        return self._users[username_or_id]

    def external_id(self, username_or_id: Any) -> str:
        """Return the user's external id; see ``Identities``."""
        user = self._users.get(username_or_id) or self.user(username_or_id)
        if user is None:
            raise UnknownIdentity("unknown_user" if username_or_id else "anonymous")
        external_id = user.external_id
        if external_id is None:
            raise UnknownIdentity("no_external_id")
        return external_id

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
            self._look_up_courses({course_id: CourseKey.from_string(course_id)})
        known = self._course_names[course_id]
        if known is None:
            raise UnknownIdentity("unknown_course")
        return known[0]

    def _look_up_users(self, keys: Mapping[Any, UserKey]) -> None:
        named = {name: self._users.get(key.id) for name, key in keys.items()}
        self._ask_for_users(named, {name: key for name, key in keys.items() if not named[name]}, by_id=True)
        # Only what is nobody's id can be a username; then it was perhaps one before its owner retired.
        self._ask_for_users(named, {name: key for name, key in keys.items() if not named[name]}, by_id=False)
        new = {user.id: user for user in named.values() if user and user.id not in self._users}
        without = [user.id for user in new.values() if user.external_id is None]
        added = self._lookup.add_external_ids(without) if without else {}
        for user_id, user in new.items():
            known = user._replace(external_id=added[user_id]) if user_id in added else user
            # The same users are named by numbers and by digits.
            self._users[user_id] = self._users[str(user_id)] = known
        self._users |= {name: user and self._users[user.id] for name, user in named.items()}

    def _ask_for_users(self, named: dict[Any, User | None], keys: Mapping[Any, UserKey], *, by_id: bool) -> None:
        """Fill in whom these keys name, by what they say first or else by what they may mean as well."""
        ids = {key.id for key in keys.values() if key.id is not None} if by_id else set()
        spelled = {name: self._spellings(key) for name, key in keys.items() if (key.id is None) == by_id}
        usernames = {username for names in spelled.values() for username in names}
        if not ids and not usernames:
            return
        found = self._lookup.users(ids, usernames)
        by_key = {user.id: user for user in found}
        by_username = {user.username: user for user in found}
        # MySQL compares usernames without regard to case, and gives back what it has.
        by_folded = {user.username.casefold(): user for user in found}
        for name, key in keys.items():
            names = spelled.get(name, ())
            user = by_key.get(key.id) if by_id and key.id is not None else None
            named[name] = user or _find(by_username, names) or _find(by_folded, map(str.casefold, names))

    def _spellings(self, key: UserKey) -> list[str]:
        if key.username is None:
            return []
        return [key.username, *(self._lookup.retired_usernames(key.username) if key.retirable else ())]

    def _look_up_courses(self, keys: Mapping[str, CourseKey]) -> None:
        names = self._lookup.course_names(set(keys.values())) if keys else {}
        for course_id, key in keys.items():
            self._course_names[course_id] = (names[str(key)],) if str(key) in names else None


def _user_keys(named: Iterable[Any]) -> dict[Any, UserKey]:
    keys = {}
    for username_or_id in named:
        with suppress(TypeError, OverflowError):  # raised again when its event asks for it
            keys[username_or_id] = _user_key(username_or_id)
    return keys


def _course_keys(course_ids: Iterable[str]) -> dict[str, CourseKey]:
    keys = {}
    for course_id in course_ids:
        with suppress(InvalidKeyError):
            keys[course_id] = CourseKey.from_string(course_id)
    return keys


def _user_key(username_or_id: Any) -> UserKey:
    """Tell an id from a username as ERB's ``get_user`` does: what ``int`` accepts is an id, and then a username.

    Raises:
        TypeError: it can be neither; likewise OverflowError.
    """
    try:
        user_id: int | None = int(username_or_id)
    except ValueError:
        user_id = None
    if user_id is not None and abs(user_id) > MAX_ID:
        user_id = None
    username = str(username_or_id)
    return UserKey(user_id, username if _can_be_asked(username) else None, isinstance(username_or_id, str))


def _can_be_asked(username: str) -> bool:
    """Whether every database takes this as a string: no NUL, no lone surrogate."""
    return "\0" not in username and (username.isascii() or not LONE_SURROGATES.search(username))


def _find(users: Mapping[str, User], names: Iterable[str]) -> User | None:
    return next((users[name] for name in names if name in users), None)


def _shrink(cache: dict[K, V]) -> None:
    """Forget the older half of a full cache, between blocks only: a block's own answers must stay."""
    if len(cache) > CACHE_SIZE:
        for key in list(cache)[: len(cache) - CACHE_SIZE // 2]:
            del cache[key]
