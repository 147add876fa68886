"""The LMS's users, courses and tags -> Aspects' database ``event_sink``, as platform-plugin-aspects dumps them.

options -> an object type -> pages of objects, by primary key -> rows -> ClickHouse

Where the plugin is installed, its own sinks say what is dumped and make the rows; elsewhere the LMS's tables are read
and the same rows made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import Model, QuerySet

#: A row of a table in ClickHouse: what is written, by column, in the order of the table's columns.
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class NestedTable:
    """A table whose rows are made from one row of another: the blocks of a course."""

    table: str
    columns: tuple[str, ...]
    rows: Callable[[Row], list[Row]]


@dataclass(frozen=True)
class ObjectType:
    """What can be dumped: one of the objects of ``--object``.

    Attributes:
        name: as the option names it.
        table: where its rows go in ClickHouse.
        columns: the columns of a row.
        queryset: all objects, ordered by primary key.
        rows: make the rows of some objects, in order.
        read_pk: read a primary key from the command line; raises ValueError.
        modified_column: the model's attribute that says when an object changed, where one that was dumped since is
            skipped.
        key_column: the column of ClickHouse's table that has the primary key, where the above matters.
        nested: further tables.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    queryset: Callable[[], QuerySet[Model]]
    rows: Callable[[Sequence[Model]], list[Row]]
    read_pk: Callable[[str], Any] = int
    modified_column: str | None = None
    key_column: str = "id"
    nested: tuple[NestedTable, ...] = ()

    @property
    def tables(self) -> list[tuple[str, tuple[str, ...]]]:
        """Every table that is written to, with its columns."""
        return [(self.table, self.columns), *((nested.table, nested.columns) for nested in self.nested)]


def read_course_id(text: str) -> str:
    """Read a course's primary key.

    Raises:
        ValueError: it is none.
    """
    try:
        return str(CourseKey.from_string(text))
    except InvalidKeyError:
        raise ValueError("no course id") from None
