"""Dump the LMS's users, courses and tags into Aspects' database ``event_sink``, as platform-plugin-aspects does.

options -> object type -> pages of objects, by primary key -> rows -> ClickHouse

Inside an LMS with the plugin, the plugin's own sinks select the objects and make the rows. Elsewhere, this package
reads the LMS's tables and makes the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import Model, QuerySet

#: A row of a table in ClickHouse: its values by column, in the order of the table's columns.
DumpRow: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class NestedTable:
    """A table with several rows for each row of another table: the blocks of a course."""

    table: str
    columns: tuple[str, ...]
    rows: Callable[[DumpRow], list[DumpRow]]


@dataclass(frozen=True)
class ObjectType:
    """A type of object that can be dumped with ``--object``.

    Attributes:
        name: the value of the option.
        table: the table in ClickHouse.
        columns: the columns of a row.
        queryset: returns all objects, ordered by primary key.
        rows: makes the rows of some objects, in order.
        read_pk: reads a primary key from the command line; raises ValueError.
        modified_column: the model's attribute with the time of the last change. Objects that were dumped after it are
            skipped. None if all objects are always dumped.
        key_column: the column of ClickHouse's table with the primary key, for objects with a ``modified_column``.
        nested: further tables.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    queryset: Callable[[], QuerySet[Model]]
    rows: Callable[[Sequence[Model]], list[DumpRow]]
    read_pk: Callable[[str], Any] = int
    modified_column: str | None = None
    key_column: str = "id"
    nested: tuple[NestedTable, ...] = ()

    @property
    def tables(self) -> list[tuple[str, tuple[str, ...]]]:
        """All tables that the dump inserts into, with their columns."""
        return [(self.table, self.columns), *((nested.table, nested.columns) for nested in self.nested)]


def read_course_id(text: str) -> str:
    """Return the primary key of a course.

    Raises:
        ValueError: the text is not a course id.
    """
    try:
        return str(CourseKey.from_string(text))
    except InvalidKeyError:
        raise ValueError("not a course id") from None
