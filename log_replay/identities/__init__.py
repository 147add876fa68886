"""Who and what: the users and courses that events speak of, asked of the LMS for a whole block at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from django.db.models import Model
    from opaque_keys.edx.keys import CourseKey


class User(NamedTuple):
    """What the transformers need to know of a user; ``external_id`` is the one of the run's type."""

    id: int
    username: str
    email: str
    external_id: str | None = None


class UnknownIdentity(ValueError):
    """An event speaks of somebody or something that the LMS does not know.

    A ``ValueError``, as event-routing-backends raises for it; ``reason`` is what its event is rejected for:
    ``anonymous`` (the event names nobody), ``unknown_user``, ``no_external_id`` or ``unknown_course``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Identities(Protocol):
    """Answers about the users and courses of a block, already fetched.

    A user is named as events name them: by id (a number, or digits), else by username, as
    ``event_routing_backends.helpers.get_user`` tells them apart. Whatever was not fetched is asked for on demand.
    """

    def user(self, username_or_id: Any) -> User | None:
        """Return the user, found even under a retired username, or None."""

    def external_id(self, username_or_id: Any) -> str:
        """Return the user's external id of the run's type (xapi or caliper), as ``get_anonymous_user_id`` does.

        Raises:
            UnknownIdentity: ``anonymous``, ``unknown_user`` or ``no_external_id``.
        """

    def email(self, username_or_id: Any) -> str:
        """Return the user's email address, ``unknown@example.com`` for nobody, as ``get_user_email`` does."""

    def course_name(self, course_id: Any) -> str | None:
        """Return the course's display name.

        Raises:
            UnknownIdentity: ``unknown_course``.
            InvalidKeyError: it is no course id.
        """


@dataclass(frozen=True)
class LmsModels:
    """What edx-platform and its bare tables answer in different transform_paths.

    Attributes:
        external_id: the model of ``external_user_ids_externalid``.
        external_id_type: the model of ``external_user_ids_externalidtype``.
        course_names: display names by course id, for course keys.
        retired_usernames: the names that a user would bear after retirement.
    """

    external_id: type[Model]
    external_id_type: type[Model]
    course_names: Callable[[Collection[CourseKey]], dict[str, str | None]]
    retired_usernames: Callable[[str], list[str]]
