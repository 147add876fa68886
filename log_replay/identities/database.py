"""The identities in the LMS's database: through edx-platform's models inside the LMS, through its tables outside."""

from __future__ import annotations

import time
import uuid
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections, router
from django.db.models import OuterRef, Subquery

from log_replay.errors import IdentityError
from log_replay.identities import LmsModels, User

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from django.db.models import QuerySet
    from opaque_keys.edx.keys import CourseKey

T = TypeVar("T")
log = structlog.get_logger(__name__)

#: SQLite allows no more than 32,766 parameters in a query; a block of ordinary lines needs a twentieth of that.
PARAMETERS = 15_000
#: A server restarts, or drops connections that were idle: a query is tried again after each of these.
RETRY_PAUSES_SECONDS = (0.1, 1.0, 5.0)
#: MySQL's lock wait timeout and deadlock.
LOCK_ERRORS = (1205, 1213)


def lms_models() -> LmsModels:
    """Return edx-platform's models where it can be imported, its tables otherwise."""
    try:
        from log_replay.identities import platform as side  # noqa: PLC0415 - it exists only inside the LMS
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"common", "openedx"}:
            raise
        from log_replay.identities import lms_tables as side  # type: ignore[no-redef]  # noqa: PLC0415 - and this only outside
    return side.lms_models()


class DatabaseLookup:
    """Answers a ``IdentityCache``'s questions from the LMS's database.

    Args:
        models: edx-platform's models or its tables.
        external_id_type: the run's type, ``xapi`` or ``caliper``; None where statements do not name users by
            external ids: then none are looked up or added.
        add: whether users may be given external ids.
    """

    def __init__(self, models: LmsModels, external_id_type: str | None, *, add: bool) -> None:
        self._models = models
        self._type_name = external_id_type
        self._may_add = add and external_id_type is not None
        self._retired_usernames = lru_cache(maxsize=10_000)(models.retired_usernames)
        self._external_id_type = lru_cache(maxsize=1)(self._find_external_id_type)

    def users(self, ids: Collection[int], usernames: Collection[str]) -> list[User]:
        """Return the users with these ids or these usernames, and the external ids of the run's type that they have."""

        def ask(some_ids: list[int], some_names: list[str]) -> list[User]:
            sought = {"id__in": some_ids, "username__in": some_names}
            query, *more = (self._users.filter(**{column: values}) for column, values in sought.items() if values)
            # Two index look-ups in one query: an OR over both columns makes MySQL read the whole table.
            return [_user(*row) for row in (query.union(*more) if more else query)]

        return [
            user
            for part in _parts([*((key, None) for key in ids), *((None, name) for name in usernames)])
            for user in _ask(ask, [key for key, _ in part if key is not None], [name for _, name in part if name])
        ]

    def retired_usernames(self, username: str) -> list[str]:
        """Return the names that a user would bear after retirement."""
        return self._retired_usernames(username)

    def add_external_ids(self, user_ids: Collection[int]) -> dict[int, str]:
        """Give these users external ids and return them; none if that is not wanted or not allowed."""
        if not self._may_add:
            return {}
        type_id = self._external_id_type()
        model = self._models.external_id
        rows = [
            model(user_id=user_id, external_id_type_id=type_id, external_user_id=uuid.uuid4())
            for user_id in sorted(user_ids)
        ]
        try:
            # Another process may give the same user one meanwhile: its id stands, so ours is read back.
            _ask(model._default_manager.bulk_create, rows, ignore_conflicts=True)  # noqa: SLF001 - as above
        except IdentityError as error:
            self._may_add = False
            log.warning("cannot add external ids; users without one are rejected", reason=error.message)
            return {}
        users = self.users(user_ids, ())
        return {user.id: user.external_id for user in users if user.external_id}

    def course_names(self, course_keys: Collection[CourseKey]) -> dict[str, str | None]:
        """Return the display names of those of these courses that exist, by course id."""
        return _ask(self._models.course_names, course_keys)

    @cached_property
    def _users(self) -> QuerySet[Any, tuple[Any, ...]]:
        """Everybody with their external ids, yet to be narrowed down: made once, for that takes as long as asking."""
        users = get_user_model()._default_manager  # noqa: SLF001 - Django's documented name for it
        columns = ("id", "username", "email")
        if self._type_name is None:
            return users.values_list(*columns)
        external_ids = self._models.external_id._default_manager  # noqa: SLF001 - as above
        theirs = external_ids.filter(user_id=OuterRef("id"), external_id_type_id=self._external_id_type())
        external_id = Subquery(theirs.values("external_user_id")[:1])
        return users.annotate(external_id=external_id).values_list(*columns, "external_id")

    def _find_external_id_type(self) -> int:
        """Find the type's row; as ERB does, fall back to LTI where a site is too old to know the type."""
        rows: dict[str, int] = dict(
            _ask(
                lambda: list(
                    self._models.external_id_type._default_manager.filter(  # noqa: SLF001 - as above
                        name__in=[self._type_name, "lti"]
                    ).values_list("name", "id")
                )
            )
        )
        for name in (self._type_name, "lti"):
            if name in rows:
                return rows[name]
        raise IdentityError(
            f"the LMS knows no external ids of type {self._type_name!r}",
            operation="look up",
            object="external_user_ids_externalidtype",
            hint="run the LMS's migrations, or point LOG_REPLAY_DATABASE_URL at the LMS's database",
        )


def _user(user_id: int, username: str, email: str, external_id: uuid.UUID | None = None) -> User:
    return User(user_id, username, email, str(external_id) if external_id else None)


def _parts(values: list[T]) -> Iterator[list[T]]:
    return (values[start : start + PARAMETERS] for start in range(0, len(values), PARAMETERS))


def _ask(query: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a query; again, a bounded number of times, if the connection was lost or somebody else held a lock."""
    for pause_seconds in RETRY_PAUSES_SECONDS:
        try:
            return query(*args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            if not (_is_lock(error) or _close_lost_connection()):
                raise _translate(error) from error
            time.sleep(pause_seconds)
        except DatabaseError as error:
            raise _translate(error) from error
    try:
        return query(*args, **kwargs)
    except (DatabaseError, InterfaceError) as error:
        raise _translate(error) from error


def _is_lock(error: Exception) -> bool:
    return (error.args and error.args[0] in LOCK_ERRORS) or "database is locked" in str(error)


def _close_lost_connection() -> bool:
    """Close the connection if there is none any more; say whether that is so."""
    connection = connections[_database_name()]
    if connection.in_atomic_block or (connection.connection is not None and connection.is_usable()):
        return False
    connection.close()
    return True


def _database_name() -> str:
    return router.db_for_read(get_user_model()) or DEFAULT_DB_ALIAS


def _translate(error: Exception) -> IdentityError:
    # A driver's message may quote the query, and so a username: its type and number tell enough.
    number = next((str(part) for part in error.args if isinstance(part, int)), "")
    return IdentityError(
        f"{type(error).__name__} {number}".strip(),
        operation="look up identities in",
        object=f"database {_database_name()!r}",
        hint="check that the LMS's database can be reached and has its tables, then run again",
    )
