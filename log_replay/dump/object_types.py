"""Find the types of objects that can be dumped: the plugin's if it is installed, else those in the LMS's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connections, router

from log_replay.databases import database_reason
from log_replay.dump import ObjectType, read_course_id
from log_replay.dump.schema import TABLES
from log_replay.errors import ConfigurationError
from log_replay.spelling import did_you_mean

if TYPE_CHECKING:
    from django.db.models import Model

PLUGIN = "platform_plugin_aspects"
#: The plugin's sink for retired users deletes the users that it gets from ClickHouse.
RETIREMENT = "auth_user"
#: With access to the modulestore, a dump of courses includes their blocks.
COURSES = "course_overviews"


def find_object_type(name: str) -> ObjectType | None:
    """Return the type of object with this name, or None if the site has disabled it.

    Raises:
        ConfigurationError: the name is unknown, or the LMS's database lacks a table or a column.
    """
    if name == RETIREMENT:
        raise ConfigurationError(f"--object {name} cannot be dumped: it would delete every user from ClickHouse")
    if apps.is_installed(PLUGIN):
        from log_replay.dump.plugin import plugin_object_type  # noqa: PLC0415 - importable only with the plugin

        return plugin_object_type(name)
    return _table_object_type(name)


def _table_object_type(name: str) -> ObjectType:
    from log_replay.dump import serializers, source_tables  # noqa: PLC0415 - registers models that only a dump needs
    from log_replay.identities.lms_tables import ExternalId  # noqa: PLC0415 - likewise

    types = {
        COURSES: (source_tables.CourseOverviewRow, (), serializers.course_overview_rows),
        "user_profile": (source_tables.UserProfile, ("user",), serializers.user_profile_rows),
        "external_id": (ExternalId, ("user", "external_id_type"), serializers.external_id_rows),
        "course_enrollment": (source_tables.CourseEnrollment, ("user",), serializers.course_enrollment_rows),
        "taxonomy": (source_tables.Taxonomy, (), serializers.taxonomy_rows),
        "tag": (source_tables.Tag, (), serializers.tag_rows),
        "object_tag": (source_tables.ObjectTag, (), serializers.object_tag_rows),
    }
    if name not in types:
        raise ConfigurationError(f"--object {name!r} is not one of {', '.join(types)}", hint=did_you_mean(name, types))
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
    """Check that the LMS's database has the table and the columns of a model."""
    alias = router.db_for_read(get_user_model()) or "default"
    table = model._meta.db_table  # noqa: SLF001 - documented, here and below
    needed = {str(field.column) for field in model._meta.concrete_fields}  # noqa: SLF001
    try:
        columns = _columns(alias, table)
    except DatabaseError as error:
        raise ConfigurationError(
            database_reason(error),
            operation="read",
            object=f"database {alias!r}",
            hint="check that the database can be reached",
        ) from error
    missing = ", ".join(sorted(needed - columns))
    if not missing:
        return
    embedded = getattr(settings, "LOG_REPLAY_STANDALONE", False) and alias == "default"
    raise ConfigurationError(
        f"--object {name}: the database has no table {table}"
        if not columns
        else f"--object {name}: the database's table {table} lacks {missing}",
        hint="set LOG_REPLAY_DATABASE_URL to the LMS's database; the embedded database has only a few of its tables"
        if embedded
        else None,
    )


def _columns(alias: str, table: str) -> set[str]:
    """Return the columns of a table; an empty set if there is no such table."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return set()
        # Not introspection.get_table_description(): with SQLite it parses the table's definition, which can fail.
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} WHERE 1 = 0")  # noqa: S608 - our own names
        return {column[0] for column in cursor.description}
