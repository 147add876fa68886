"""Identities: the users and courses that events name, read from the LMS for a whole block at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from log_replay.errors import RejectError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model


class User(NamedTuple):
    """A user of the LMS, as statements need it; ``external_id`` is the one of the run's type."""

    id: int
    username: str
    email: str
    external_id: str | None = None


class UnknownIdentity(RejectError):
    """An event names a user or a course that the LMS does not have.

    The reasons are ``anonymous`` (the event names no user), ``unknown_user``, ``no_external_id``, ``unknown_course``.
    """


class Identities(Protocol):
    """The users and courses that events name.

    Events name a user by id (a number or digits) or by username; ``event_routing_backends.helpers.get_user`` decides
    which. Identities that were not fetched for the block are looked up one by one.
    """

    def user(self, username_or_id: Any) -> User | None:
        """Return the user, or None. A retired user is also found by the old username."""

    def user_id(self, username_or_id: Any) -> int | None:
        """Return the id of the user, or None. It may take less time than ``user``."""

    def external_id(self, username_or_id: Any) -> str:
        """Return the user's external id of the run's type (xapi or caliper), as ``get_anonymous_user_id`` does.

        Raises:
            UnknownIdentity: ``anonymous``, ``unknown_user`` or ``no_external_id``.
        """

    def email(self, username_or_id: Any) -> str:
        """Return the user's email address as ``get_user_email`` does: ``unknown@example.com`` for an unknown user."""

    def course_name(self, course_id: Any) -> str | None:
        """Return the course's display name.

        Raises:
            UnknownIdentity: ``unknown_course``.
            InvalidKeyError: the value is not a course id.
        """


@dataclass(frozen=True)
class LmsModels:
    """The models and functions that differ between edx-platform and its bare tables.

    Attributes:
        external_id: the model of ``external_user_ids_externalid``.
        external_id_type: the model of ``external_user_ids_externalidtype``.
        course_overview: the model of ``course_overviews_courseoverview``.
        retired_usernames: returns the usernames that a user may have after retirement.
    """

    external_id: type[Model]
    external_id_type: type[Model]
    course_overview: type[Model]
    retired_usernames: Callable[[str], list[str]]
