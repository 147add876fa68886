"""Look up identities in the LMS's database: with edx-platform's models inside the LMS, in its tables outside."""

from __future__ import annotations

import uuid
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections, router
from opaque_keys.edx.keys import CourseKey

from log_replay.databases import database_reason
from log_replay.errors import IdentitiesNotResponding, IdentityError
from log_replay.identities import LmsModels, User
from log_replay.identities.parameters import padded, query_parts
from log_replay.identities.ranges import uuid_text
from log_replay.retry import RetryPolicy, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from django.db.models import Model

T = TypeVar("T")
log = structlog.get_logger(__name__)

#: A database server may restart, or close idle connections.
RETRY = RetryPolicy(retries=3, first_delay_seconds=1, max_delay_seconds=5)
#: MySQL's lock wait timeout and deadlock.
LOCK_ERRORS = (1205, 1213)


def lms_models() -> LmsModels:
    """Return edx-platform's models if it can be imported, else models of its tables."""
    try:
        from log_replay.identities import platform as side  # noqa: PLC0415 - it exists only inside the LMS
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"common", "openedx"}:
            raise
        from log_replay.identities import lms_tables as side  # type: ignore[no-redef]  # noqa: PLC0415 - and this only outside
    return side.lms_models()


class DatabaseLookup:
    """The LMS's database, for an ``IdentityCache``.

    Args:
        models: edx-platform's models, or models of its tables.
        external_id_type: the run's type, ``xapi`` or ``caliper``; None if statements need no external ids: then none
            are looked up or added.
        add: True if external ids may be added.
        retry: when to repeat a query after a lost connection or a lock.
    """

    def __init__(
        self, models: LmsModels, external_id_type: str | None, *, add: bool, retry: RetryPolicy = RETRY
    ) -> None:
        self._models = models
        self._type_name = external_id_type
        self._may_add = add and external_id_type is not None
        self._retry = retry
        self._retired_usernames = lru_cache(maxsize=10_000)(models.retired_usernames)
        self._external_id_type = lru_cache(maxsize=1)(self._find_external_id_type)

    def users(self, ids: Collection[int], usernames: Collection[str]) -> list[User]:
        """Return the users with these ids or usernames, with their external ids of the run's type."""
        wanted = [*(("id", key) for key in ids), *(("username", name) for name in usernames)]
        return [user for part in query_parts(wanted) for user in self._query(self._select_users, part)]

    def _select_users(self, wanted: Sequence[tuple[str, int | str]]) -> list[User]:
        queries, parameters = [], list[Any]()
        # A union of two index look-ups: for an OR of both columns, MySQL reads the whole table.
        for column in ("id", "username"):
            values = padded([value for name, value in wanted if name == column])
            if values:
                placeholders = ", ".join(["%s"] * len(values))
                queries.append(f"{self._users_sql} WHERE users.{column} IN ({placeholders})")
                parameters += values
        # UNION ALL, since databases take longer to find the few users that both queries return.
        rows = self._select(" UNION ALL ".join(queries), parameters)
        return list({row[0]: _user(*row) for row in rows}.values())

    def external_ids(self, user_ids: range) -> list[tuple[int, str]]:
        """Return the users in a range that have an external id of the run's type, with its text or digits."""
        rows: list[tuple[int, str]] = self._query(self._select, self._external_ids_sql, [user_ids.start, user_ids.stop])
        return rows

    def retired_usernames(self, username: str) -> list[str]:
        """Return the usernames that a user may have after retirement."""
        return self._retired_usernames(username)

    def add_external_ids(self, user_ids: Collection[int]) -> dict[int, str]:
        """Add external ids for these users and return them, or return none if that is not allowed or not possible."""
        if not self._may_add:
            return {}
        type_id = self._external_id_type()
        model = self._models.external_id
        rows = [
            model(user_id=user_id, external_id_type_id=type_id, external_user_id=uuid.uuid4())
            for user_id in sorted(user_ids)
        ]
        manager = model._default_manager  # noqa: SLF001 - Django's documented name for it
        try:
            # If another process adds one for the same user first, that one is kept, and read back here.
            self._query(manager.bulk_create, rows, ignore_conflicts=True)
        except IdentitiesNotResponding:
            raise
        except IdentityError as error:
            self._may_add = False
            log.warning("cannot add external ids; users without one are rejected", reason=error.message)
            return {}
        users = self.users(user_ids, ())
        return {user.id: user.external_id for user in users if user.external_id}

    def course_names(self, course_keys: Collection[CourseKey]) -> dict[str, str | None]:
        """Return the display names of existing courses, by course id."""
        ids = [str(key) for key in course_keys]
        return dict(row for part in query_parts(ids) for row in self._query(self._select_courses, part))

    def _select_courses(self, ids: Sequence[str]) -> list[tuple[str, str | None]]:
        # Not edx-platform's get_course_overviews, which reads and serialises all columns.
        table, values = self._table(self._models.course_overview), padded(ids)
        placeholders = ", ".join(["%s"] * len(values))
        sql = f"SELECT id, display_name FROM {table} WHERE id IN ({placeholders})"  # noqa: S608 - no input
        return self._select(sql, values)

    # Django's ORM takes longer to compile these queries, and to convert their rows, than to run them.

    @cached_property
    def _users_sql(self) -> str:
        """The query for all users with their external ids."""
        users = self._table(get_user_model())
        external_id = "NULL"
        if self._type_name is not None:
            table = self._table(self._models.external_id)
            of_user = f"user_id = users.id AND external_id_type_id = {int(self._external_id_type())}"
            external_id = f"(SELECT external_user_id FROM {table} WHERE {of_user})"  # noqa: S608 - no input
        return f"SELECT users.id, users.username, users.email, {external_id} FROM {users} users"  # noqa: S608 - likewise

    @cached_property
    def _external_ids_sql(self) -> str:
        """The query for the external ids of a range of users, as text: creating a UUID takes longer than reading it."""
        table = self._table(self._models.external_id)
        # As a sum, no database looks the type up in the index of types, which would read a third of the table for each
        # range: SQLite did so, at 43 us for each line of a log with 200,000 users.
        of_type = f"external_id_type_id + 0 = {int(self._external_id_type())}"
        select = f"SELECT user_id, CAST(external_user_id AS CHAR(36)) FROM {table}"  # noqa: S608 - no input
        return f"{select} WHERE user_id >= %s AND user_id < %s AND {of_type}"

    def _table(self, model: type[Model]) -> str:
        return connections[self._database].ops.quote_name(model._meta.db_table)  # noqa: SLF001 - a documented API

    def _select(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        with connections[self._database].cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    @cached_property
    def _database(self) -> str:
        return _database_name()

    def _find_external_id_type(self) -> int:
        """Return the id of the type; like ERB, of LTI's type if the LMS is too old to have the run's type."""
        types = self._models.external_id_type._default_manager  # noqa: SLF001 - as above
        rows = types.filter(name__in=[self._type_name, "lti"]).values_list("name", "id")
        ids: dict[str, int] = dict(self._query(lambda: list(rows)))
        for name in (self._type_name, "lti"):
            if name in ids:
                return ids[name]
        raise IdentityError(
            f"the LMS has no external ids of type {self._type_name!r}",
            operation="look up",
            object="external_user_ids_externalidtype",
            hint="run the LMS's migrations, or point LOG_REPLAY_DATABASE_URL at the LMS's database",
        )

    def _query(self, query: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a query. Repeat it if the connection was lost or another process held a lock.

        Raises:
            IdentitiesNotResponding: the database did not answer, or the rows stayed locked.
            IdentityError: the database refused the query.
        """

        def attempt() -> T:
            try:
                return query(*args, **kwargs)
            except (OperationalError, InterfaceError) as error:
                if _is_lock(error) or _close_lost_connection():
                    raise TemporaryError(type(error).__name__) from error
                raise

        try:
            return self._retry.call(attempt)
        except TemporaryError as error:
            raise _translate(error.__cause__ or error, IdentitiesNotResponding) from error.__cause__
        except (DatabaseError, InterfaceError) as error:
            raise _translate(error) from error


def check_database(external_id_type: str | None) -> None:
    """Check once that the LMS's database answers and has the tables that statements need.

    Raises:
        IdentityError: it does not.
    """
    lookup = DatabaseLookup(lms_models(), external_id_type, add=False, retry=RetryPolicy(retries=0))
    lookup.users([0], ())
    lookup.course_names([CourseKey.from_string("course-v1:no+such+course")])


def _user(user_id: int, username: str, email: str, external_id: uuid.UUID | str | None) -> User:
    return User(user_id, username, email, uuid_text(str(external_id)) if external_id else None)


def _is_lock(error: Exception) -> bool:
    return (error.args and error.args[0] in LOCK_ERRORS) or "database is locked" in str(error)


def _close_lost_connection() -> bool:
    """Return True if the connection was lost, and close it: Django then opens a new one."""
    connection = connections[_database_name()]
    if connection.in_atomic_block or (connection.connection is not None and connection.is_usable()):
        return False
    connection.close()
    return True


def _database_name() -> str:
    return router.db_for_read(get_user_model()) or DEFAULT_DB_ALIAS


def _translate(error: BaseException, translation: type[IdentityError] = IdentityError) -> IdentityError:
    return translation(
        database_reason(error),
        operation="look up identities in",
        object=f"database {_database_name()!r}",
        hint="check that the LMS's database can be reached and has its tables, then run again",
    )
