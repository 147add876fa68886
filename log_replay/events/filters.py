"""Which of the known events the operator asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from log_replay.records import Event


@dataclass(frozen=True, slots=True)
class Filters:
    """What to replay; an empty filter lets everything pass.

    Attributes:
        since: the first moment that is replayed.
        until: the first moment that is not.
        events: patterns of event names, as ``fnmatch`` reads them; likewise the others.
        courses: patterns of course ids.
        orgs: patterns of organisations.
        users: user ids or usernames, exact.
    """

    since: datetime | None = None
    until: datetime | None = None
    events: tuple[str, ...] = ()
    courses: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()
    users: frozenset[str] = frozenset()

    def want(self, event: Event) -> bool:
        """Whether an event passes.

        Raises:
            ValueError: a time was asked for and the event's cannot be read.
        """
        return (
            (not self.events or _matches(event.name, self.events))
            and ((self.since is None and self.until is None) or self._in_time(event))
            and (not self.courses or any(_matches(course, self.courses) for course in course_ids(event)))
            and (not self.orgs or any(_matches(org, self.orgs) for org in orgs(event)))
            and (not self.users or not self.users.isdisjoint(users(event)))
        )

    def _in_time(self, event: Event) -> bool:
        moment = read_time(event.fields.get("timestamp"))
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


def read_time(value: Any) -> datetime:
    """Read an ISO 8601 date or time; one without a zone is in UTC, as the LMS writes its logs.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        raise ValueError("not a time")  # noqa: TRY004 - whatever it is, it is not a readable time
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def check_event_patterns(patterns: Iterable[str], names: Iterable[str]) -> None:
    """Make sure that each pattern means at least one known event.

    Raises:
        ConfigurationError: one does not, so nothing would ever match it.
    """
    known = sorted(names)
    for pattern in patterns:
        if not any(_matches(name, (pattern,)) for name in known):
            raise ConfigurationError(
                f"--event {pattern!r} matches no event name that is transformed",
                hint=f"there are {len(known)}, for example {', '.join(known[:3])}; '*' is allowed",
            )


def course_ids(event: Event) -> list[str]:
    """The courses that an event speaks of: where it happened, and what it is about."""
    return [value for value in _both(event, "course_id") if isinstance(value, str)]


def orgs(event: Event) -> list[str]:
    """The organisations that an event speaks of, named by it or part of its courses' ids."""
    named = [value for value in _both(event, "org_id") if isinstance(value, str) and value]
    return named or [re.split(r"[+/]", course.split(":", 1)[-1])[0] for course in course_ids(event)]


def users(event: Event) -> set[str]:
    """Everybody that an event names, by id or username."""
    values = [*_both(event, "user_id"), *_both(event, "username"), event.fields.get("username")]
    return {str(value) for value in values if isinstance(value, (str, int)) and value != ""}


def _both(event: Event, key: str) -> list[Any]:
    parts = (event.fields.get("context"), event.fields.get("data"))
    return [part[key] for part in parts if isinstance(part, dict) and key in part]


def _matches(value: str, patterns: Sequence[str]) -> bool:
    return any(_compiled(pattern).match(value) is not None for pattern in patterns)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
