"""Our own database: an embedded SQLite file or LOG_REPLAY_LEDGER_URL, with the LMS's tables in it."""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import Error, OperationalError, connections, transaction
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from django.db.migrations.executor import MigrationExecutor

from log_replay.databases import database_reason
from log_replay.errors import ConfigurationError
from log_replay.identities.lms_tables import CourseOverview, ExternalId, ExternalIdType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Alias of our own database. ``lms`` is the LMS's database, if one is given.
OWN = "default"
TABLES = (ExternalIdType, ExternalId, CourseOverview)
#: The types of external ids that statements use; in the LMS, its migrations create them.
EXTERNAL_ID_TYPES = ("xapi", "caliper", "lti")
ROWS_PER_INSERT = 1000
SAMPLE = Path(__file__).parent / "sample"
DATABASE_HINT = "free disk space, or set LOG_REPLAY_HOME to another folder; if the file is damaged, move it away"
LEDGER_HINT = "check LOG_REPLAY_LEDGER_URL, and that its user may create tables in this database"
#: The statements that take and release a lock of a database server, by Django's name of the database.
_LOCKS = {
    "mysql": ("SELECT GET_LOCK('log_replay migrations', 600)", "SELECT RELEASE_LOCK('log_replay migrations')"),
    "postgresql": ("SELECT pg_advisory_lock(7560126)", "SELECT pg_advisory_unlock(7560126)"),
}


def prepare() -> None:
    """Create or migrate our own database. Existing data is kept, and the LMS's database is not touched.

    Raises:
        ConfigurationError: the state folder or our own database cannot be written.
    """
    home = Path(settings.LOG_REPLAY_HOME)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / f".{uuid.uuid4()}"
        probe.touch()
        probe.unlink()
        _create_private_file()
    except OSError as error:
        raise ConfigurationError(
            str(error.strerror), operation="write", object=str(home), hint="set LOG_REPLAY_HOME to another folder"
        ) from error
    try:
        with _locked(home), _server_locked():
            _use_write_ahead_log()
            executor = MigrationExecutor(connections[OWN])
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", database=OWN, verbosity=0, interactive=False)
            create_lms_tables()
    except Error as error:
        raise ConfigurationError(
            database_reason(error),
            operation="prepare",
            object=str(settings.DATABASES[OWN]["NAME"]),
            hint=DATABASE_HINT if isinstance(connections[OWN], SQLite) else LEDGER_HINT,
        ) from error


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Let one process at a time prepare the database: several first runs may start together."""
    folder = os.open(home, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def _server_locked() -> Iterator[None]:
    """Let one machine at a time prepare the database of a server."""
    vendor = connections[OWN].vendor
    if vendor not in _LOCKS:
        yield
        return
    lock, release = _LOCKS[vendor]
    with connections[OWN].cursor() as cursor:
        cursor.execute(lock)
        try:
            yield
        finally:
            cursor.execute(release)


def _create_private_file() -> None:
    """Create the file if it does not exist, readable for its owner only: SQLite would use the umask."""
    connection = connections[OWN]
    if isinstance(connection, SQLite) and not connection.is_in_memory_db():
        os.close(os.open(connection.settings_dict["NAME"], os.O_CREAT | os.O_RDWR, mode=0o600))


def _use_write_ahead_log() -> None:
    """Switch SQLite to its write-ahead log: readers do not wait for the ledger, and a commit takes a third of the time.

    The file keeps this setting. Some network file systems do not support it: there the file stays as it is.
    """
    if not isinstance(connections[OWN], SQLite):
        return
    with suppress(OperationalError), connections[OWN].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")


def create_lms_tables() -> None:
    """Create the LMS's own tables that our database does not have yet, with the types of external ids."""
    connection = connections[OWN]
    present = set(connection.introspection.table_names())
    missing = [model for model in TABLES if model._meta.db_table not in present]  # noqa: SLF001 - public in all but name
    if missing:
        with connection.schema_editor() as editor:
            for model in missing:
                editor.create_model(model)
    # Without using(), the router would choose a given database, which is never written to.
    types = ExternalIdType.objects.using(OWN)
    if types.count() < len(EXTERNAL_ID_TYPES):
        for name in EXTERNAL_ID_TYPES:
            types.get_or_create(name=name, defaults={"description": name})


def load_identities(identities: Mapping[str, Any]) -> tuple[int, int]:
    """Add users and courses to the embedded database, or update them.

    Args:
        identities: ``{"users": [{"id", "username", "email", "external_ids": {type: uuid}}], "courses": [{"id",
            "display_name"}]}``, as in ``sample/identities.json``.

    Returns:
        the number of users and the number of courses in ``identities``.
    """
    users, courses = identities.get("users", []), identities.get("courses", [])
    with transaction.atomic(using=OWN):
        _load_users(users)
        _load_external_ids(users)
        CourseOverview.objects.using(OWN).bulk_create(
            [CourseOverview(id=course["id"], display_name=course["display_name"]) for course in courses],
            update_conflicts=True,
            unique_fields=_conflict_target("id"),
            update_fields=["display_name"],
            batch_size=ROWS_PER_INSERT,
        )
    return len(users), len(courses)


def _conflict_target(*fields: str) -> list[str] | None:
    """Return the fields of the unique index that rows are updated by; MySQL takes all unique indexes."""
    return list(fields) if connections[OWN].features.supports_update_conflicts_with_target else None


def _load_users(users: Sequence[Mapping[str, Any]]) -> None:
    model = get_user_model()
    model._default_manager.using(OWN).bulk_create(  # noqa: SLF001 - Django's documented name for it
        [model(id=user["id"], username=user["username"], email=user.get("email", "")) for user in users],
        update_conflicts=True,
        unique_fields=_conflict_target("id"),
        update_fields=["username", "email"],
        batch_size=ROWS_PER_INSERT,
    )


def _load_external_ids(users: Sequence[Mapping[str, Any]]) -> None:
    types = dict(ExternalIdType.objects.using(OWN).values_list("name", "id"))
    ExternalId.objects.using(OWN).bulk_create(
        [
            ExternalId(user_id=user["id"], external_id_type_id=types[name], external_user_id=uuid.UUID(value))
            for user in users
            for name, value in user.get("external_ids", {}).items()
        ],
        update_conflicts=True,
        unique_fields=_conflict_target("user", "external_id_type"),
        update_fields=["external_user_id"],
        batch_size=ROWS_PER_INSERT,
    )
