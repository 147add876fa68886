"""The embedded database: made where it is missing, with the LMS's own tables, and filled from a file."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from log_replay.errors import ConfigurationError
from log_replay.identities.lms_tables import CourseOverview, ExternalId, ExternalIdType

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLES = (ExternalIdType, ExternalId, CourseOverview)
#: The kinds of external id that the LMS's migrations create, of those that statements use.
EXTERNAL_ID_TYPES = ("xapi", "caliper", "lti")
SAMPLE = Path(__file__).parent / "sample"


def prepare() -> None:
    """Create the embedded database, or bring it up to date; what is there already is left alone.

    Raises:
        ConfigurationError: its folder cannot be written.
    """
    home = Path(settings.LOG_REPLAY_HOME)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / f".{uuid.uuid4()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            str(error.strerror), operation="write", object=str(home), hint="set LOG_REPLAY_HOME to a folder of yours"
        ) from error
    _log_ahead()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)
    create_lms_tables()


def _log_ahead() -> None:
    """Let SQLite write ahead: readers and the ledger do not wait for each other, and a commit takes a third.

    The file remembers it. Where SQLite cannot, as on some network file systems, it stays as it is.
    """
    with suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")


def create_lms_tables() -> None:
    """Create those of the LMS's tables that are missing beside Django's own, in the embedded database."""
    present = set(connection.introspection.table_names())
    missing = [model for model in TABLES if model._meta.db_table not in present]  # noqa: SLF001 - public in all but name
    if not missing:
        return
    with connection.schema_editor() as editor:
        for model in missing:
            editor.create_model(model)
    for name in EXTERNAL_ID_TYPES:
        ExternalIdType.objects.get_or_create(name=name, defaults={"description": name})


def load_identities(directory: Mapping[str, Any]) -> tuple[int, int]:
    """Put users and courses into the embedded database; those that are there already are updated.

    Args:
        directory: ``{"users": [{"id", "username", "email", "external_ids": {type: uuid}}], "courses": [{"id",
            "display_name"}]}``, as in ``sample/identities.json``.

    Returns:
        how many users and courses it holds.
    """
    user_model = get_user_model()
    users, courses = directory.get("users", []), directory.get("courses", [])
    types = dict(ExternalIdType.objects.values_list("name", "id"))
    with transaction.atomic():
        user_model.objects.bulk_create(
            [user_model(id=user["id"], username=user["username"], email=user.get("email", "")) for user in users],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["username", "email"],
            batch_size=1000,
        )
        ExternalId.objects.bulk_create(
            [
                ExternalId(user_id=user["id"], external_id_type_id=types[name], external_user_id=uuid.UUID(value))
                for user in users
                for name, value in user.get("external_ids", {}).items()
            ],
            update_conflicts=True,
            unique_fields=["user", "external_id_type"],
            update_fields=["external_user_id"],
            batch_size=1000,
        )
        CourseOverview.objects.bulk_create(
            [CourseOverview(id=course["id"], display_name=course["display_name"]) for course in courses],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["display_name"],
            batch_size=1000,
        )
    return len(users), len(courses)
