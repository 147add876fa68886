"""What can be dumped: what the plugin dumps where it is installed, the LMS's tables elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connections, router

from log_replay.dump import ObjectType, read_course_id
from log_replay.dump.schema import TABLES
from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from django.db.models import Model

PLUGIN = "platform_plugin_aspects"
#: The plugin's sink of this name deletes from ClickHouse the users that it is given: it serves retirement.
RETIREMENT = "auth_user"
#: Who can read the modulestore dumps the blocks of each course with it.
COURSES = "course_overviews"


def find_object_type(name: str) -> ObjectType | None:
    """Return one of the objects that can be dumped here; None where the site's plugin has it disabled.

    Raises:
        ConfigurationError: there is none of this name, or the LMS's database has not what it takes.
    """
    if name == RETIREMENT:
        raise ConfigurationError(f"--object {name} is no dump: it would delete every user from ClickHouse")
    if apps.is_installed(PLUGIN):
        from log_replay.dump.plugin import plugin_object_type  # noqa: PLC0415 - only where the plugin is

        return plugin_object_type(name)
    return _table_object_type(name)


def _table_object_type(name: str) -> ObjectType:
    from log_replay.dump import rows, source_tables  # noqa: PLC0415 - models that nothing but a dump should see
    from log_replay.identities.lms_tables import ExternalId  # noqa: PLC0415 - likewise

    types = {
        COURSES: (source_tables.CourseOverviewRow, (), rows.course_overview_rows),
        "user_profile": (source_tables.UserProfile, ("user",), rows.user_profile_rows),
        "external_id": (ExternalId, ("user", "external_id_type"), rows.external_id_rows),
        "course_enrollment": (source_tables.CourseEnrollment, ("user",), rows.course_enrollment_rows),
        "taxonomy": (source_tables.Taxonomy, (), rows.taxonomy_rows),
        "tag": (source_tables.Tag, (), rows.tag_rows),
        "object_tag": (source_tables.ObjectTag, (), rows.object_tag_rows),
    }
    if name not in types:
        raise ConfigurationError(f"--object {name!r} is none of {', '.join(types)}")
    model, related, make_rows = types[name]
    _check_table(model, name)
    return ObjectType(
        name=name,
        table=name,
        columns=tuple(TABLES[name].columns),
        queryset=lambda: model._default_manager.select_related(*related).order_by("pk"),  # noqa: SLF001 - documented
        rows=make_rows,
        read_pk=read_course_id if name == COURSES else int,
        modified_column="modified" if name == COURSES else None,
        key_column="course_key" if name == COURSES else "id",
    )


def _check_table(model: type[Model], name: str) -> None:
    """Find out whether the LMS's database has what the model asks of it."""
    alias = router.db_for_read(get_user_model()) or "default"
    table = model._meta.db_table  # noqa: SLF001 - public in all but name, here and below
    needed = {str(field.column) for field in model._meta.concrete_fields}  # noqa: SLF001
    try:
        columns = _columns(alias, table)
    except DatabaseError as error:
        # A driver's message may hold the host, the user and the query: its type tells enough.
        raise ConfigurationError(
            type(error).__name__, operation="look into", object=f"database {alias!r}", hint="can it be reached?"
        ) from error
    missing = ", ".join(sorted(needed - columns))
    if not missing:
        return
    embedded = getattr(settings, "LOG_REPLAY_STANDALONE", False) and alias == "default"
    raise ConfigurationError(
        f"--object {name}: the database has no table {table}"
        if not columns
        else f"--object {name}: the database's table {table} lacks {missing}",
        hint="point LOG_REPLAY_DATABASE_URL at the LMS's database: the embedded one holds little of it"
        if embedded
        else None,
    )


def _columns(alias: str, table: str) -> set[str]:
    """Return the columns of a table, none if there is no such table."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return set()
        # What introspection says besides would cost SQLite a parse of the table's definition, which can fail.
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} WHERE 1 = 0")  # noqa: S608 - our own names
        return {column[0] for column in cursor.description}
