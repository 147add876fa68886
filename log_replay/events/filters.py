"""Filters: select known events by time, name, course, organisation and user."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import translate
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError
from log_replay.spelling import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from log_replay.records import Event


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a run. An event must match all of them; an empty filter matches every event.

    Attributes:
        since: events from this time on.
        until: events before this time.
        events: patterns of event names, with the wildcards of ``fnmatch``.
        courses: patterns of course ids.
        orgs: patterns of organisations.
        users: user ids or usernames, without wildcards.
    """

    since: datetime | None = None
    until: datetime | None = None
    events: tuple[str, ...] = ()
    courses: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()
    users: frozenset[str] = frozenset()

    def match(self, event: Event) -> bool:
        """Return True if an event matches all filters.

        Raises:
            ValueError: ``since`` or ``until`` is set and the event's time is not readable.
        """
        return (
            (not self.events or _matches(event.name, self.events))
            and ((self.since is None and self.until is None) or self._in_time(event))
            and (not self.courses or any(_matches(course, self.courses) for course in course_ids(event)))
            and (not self.orgs or any(_matches(org, self.orgs) for org in orgs(event)))
            and (not self.users or not self.users.isdisjoint(users(event)))
        )

    def separate(self) -> dict[str, Filters]:
        """Return the filters of each option, by the option as it was given, such as ``--event play_video``."""
        given = {
            "--event": (Filters(events=self.events), self.events),
            "--since": (Filters(since=self.since), [self.since and self.since.isoformat()]),
            "--until": (Filters(until=self.until), [self.until and self.until.isoformat()]),
            "--course": (Filters(courses=self.courses), self.courses),
            "--org": (Filters(orgs=self.orgs), self.orgs),
            "--user": (Filters(users=self.users), sorted(self.users)),
        }
        return {
            " ".join([option, *map(str, values)]): alone for option, (alone, values) in given.items() if any(values)
        }

    def _in_time(self, event: Event) -> bool:
        time = read_time(event.fields.get("timestamp"))
        return (self.since is None or self.since <= time) and (self.until is None or time < self.until)


@lru_cache(maxsize=8)
def option_checks(filters: Filters) -> Mapping[str, Callable[[Event], bool]]:
    """Return a check for each value of an option such as ``--course X``: True if the event matches this value."""
    return {
        **{f"--event {value}": partial(_has_name, value) for value in filters.events},
        **{f"--course {value}": partial(_has_match, course_ids, value) for value in filters.courses},
        **{f"--org {value}": partial(_has_match, orgs, value) for value in filters.orgs},
        **{f"--user {value}": partial(_has_user, value) for value in sorted(filters.users)},
    }


def _has_name(pattern: str, event: Event) -> bool:
    return _matches(event.name, (pattern,))


def _has_match(values_of: Callable[[Event], list[str]], pattern: str, event: Event) -> bool:
    return any(_matches(value, (pattern,)) for value in values_of(event))


def _has_user(user: str, event: Event) -> bool:
    return user in users(event)


def read_time(value: Any) -> datetime:
    """Parse an ISO 8601 date or time. A time without a zone is UTC, as in the LMS's logs.

    Raises:
        ValueError: the value is not a date or time.
    """
    if not isinstance(value, str):
        raise ValueError("not a time")  # noqa: TRY004 - callers handle all unreadable times alike
    time = datetime.fromisoformat(value)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def check_event_patterns(patterns: Iterable[str], names: Iterable[str]) -> None:
    """Check that each pattern matches at least one known event name.

    Raises:
        ConfigurationError: a pattern matches none.
    """
    known = sorted(names)
    for pattern in patterns:
        if not any(_matches(name, (pattern,)) for name in known):
            raise ConfigurationError(
                f"--event {pattern!r} matches no event name that is transformed",
                hint=did_you_mean(pattern, known)
                or f"there are {len(known)}, for example {', '.join(known[:3])}; '*' is allowed",
            )


def course_ids(event: Event) -> list[str]:
    """Return the course ids in an event's context and data."""
    return [value for value in _in_context_and_data(event, "course_id") if isinstance(value, str)]


def orgs(event: Event) -> list[str]:
    """Return the organisations in an event's context and data; if there are none, those in its course ids."""
    named = [value for value in _in_context_and_data(event, "org_id") if isinstance(value, str) and value]
    return named or [re.split(r"[+/]", course.split(":", 1)[-1])[0] for course in course_ids(event)]


def users(event: Event) -> set[str]:
    """Return all user ids and usernames of an event."""
    values = [
        *_in_context_and_data(event, "user_id"),
        *_in_context_and_data(event, "username"),
        event.fields.get("username"),
    ]
    return {str(value) for value in values if isinstance(value, (str, int)) and value != ""}


def _in_context_and_data(event: Event, key: str) -> list[Any]:
    parts = (event.fields.get("context"), event.fields.get("data"))
    return [part[key] for part in parts if isinstance(part, dict) and key in part]


def _matches(value: str, patterns: Sequence[str]) -> bool:
    return any(_compiled(pattern).match(value) is not None for pattern in patterns)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
