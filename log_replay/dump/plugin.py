"""Object types of platform-plugin-aspects, inside an LMS. The plugin's sinks select the objects and make the rows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from opaque_keys.edx.keys import CourseKey
from platform_plugin_aspects.sinks import CourseOverviewSink, XBlockSink
from platform_plugin_aspects.sinks.base_sink import ModelBaseSink
from platform_plugin_aspects.utils import get_modulestore

from log_replay.dump import NestedTable, ObjectType, read_course_id
from log_replay.dump.schema import TABLES
from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model

    from log_replay.dump import DumpRow

_log = logging.getLogger(__name__)


def plugin_object_type(name: str) -> ObjectType | None:
    """Return the type of object of one of the plugin's sinks, or of a sink that another app adds to the plugin.

    Returns:
        None if the site has disabled the sink.

    Raises:
        ConfigurationError: no sink has this name.
    """
    sink_class = ModelBaseSink.get_sink_by_model_name(name)
    if sink_class is None:
        known = sorted(sink.model for sink in ModelBaseSink.__subclasses__() if sink.model)
        raise ConfigurationError(f"--object {name!r} is not one of {', '.join(known)}")
    if not sink_class.is_enabled():
        return None
    sink = sink_class({}, _log)
    is_course = issubclass(sink_class, CourseOverviewSink)
    return ObjectType(
        name=name,
        table=sink.clickhouse_table_name,
        columns=tuple(sink.get_serializer()().fields),
        queryset=sink.get_queryset,
        rows=lambda objects: _rows(sink, objects),
        read_pk=read_course_id if is_course else sink.pk_format,
        modified_column="modified" if is_course else None,
        key_column=sink.unique_key,
        nested=(_course_blocks(),) if is_course else (),
    )


def _rows(sink: Any, objects: Sequence[Model]) -> list[DumpRow]:
    return [dict(row) for row in sink.serialize_item(objects, many=True)]


def _course_blocks() -> NestedTable:
    sink = XBlockSink({}, _log)

    def rows(course: DumpRow) -> list[DumpRow]:
        dump = {column: course[column] for column in ("dump_id", "time_last_dumped")}
        try:
            return [dict(row) for row in sink.serialize_item(course, many=True, initial=dump)]
        except Exception:
            # A deleted course has no blocks, but its overview stays in the LMS's table.
            if get_modulestore().has_course(CourseKey.from_string(course["course_key"])):
                raise
            return []

    table = sink.clickhouse_table_name
    return NestedTable(table=table, columns=tuple(TABLES[table].columns), rows=rows)
