"""How the ledger writes after each batch: with as little as it takes, since that is what it costs a run."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import connections, router

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field, Model

#: SQLite's PRAGMA synchronous.
_FULL = 2


class Update:
    """An UPDATE of certain fields of the rows that certain others tell.

    Django makes it into SQL anew each time, which takes longer than the database does.

    Args:
        model: which rows.
        fields: the names of those that are set.
        where: of those that must be equal.
    """

    def __init__(self, model: type[Model], fields: Sequence[str], where: Sequence[str]) -> None:
        self._model = model
        columns: Mapping[str, Field[Any, Any]] = {field.name: field for field in model._meta.concrete_fields}  # noqa: SLF001 - public in all but name
        self._fields = [columns[name] for name in fields]
        self._where = [columns[name] for name in where]

    def __call__(self, *values: Any) -> int:
        """Set the fields to the first values where the others are equal to the last; return in how many rows."""
        connection = connections[router.db_for_write(self._model)]
        fields = [*self._fields, *self._where]
        given = [field.get_db_prep_save(value, connection) for field, value in zip(fields, values, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, given)
            return int(cursor.rowcount)

    @cached_property
    def _sql(self) -> str:
        quote = connections[router.db_for_write(self._model)].ops.quote_name
        changes, conditions = (
            [f"{quote(str(field.column))} = %s" for field in fields] for fields in (self._fields, self._where)
        )
        table = quote(self._model._meta.db_table)  # noqa: SLF001 - public in all but name
        return f"UPDATE {table} SET {', '.join(changes)} WHERE {' AND '.join(conditions)}"  # noqa: S608 - of columns


@contextmanager
def written_soon(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let SQLite commit without waiting for the disk, where it writes ahead: that is half of what the ledger costs.

    Nothing is lost with a process that is killed. What a machine loses that loses its power are the last batches'
    records, from the last one back, so that these batches are delivered again. Whatever else is written to the
    database, external ids for example, is on the disk when it is committed, as ever.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block or not _writes_ahead(connection):
        yield
        return
    connection.connection.execute("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        if connection.connection:
            connection.connection.execute("PRAGMA synchronous=FULL")


def _writes_ahead(connection: BaseDatabaseWrapper) -> bool:
    """Whether it does; and whether commits wait for the disk, or somebody has decided that they need not."""
    connection.ensure_connection()
    ask = connection.connection.execute
    return [ask(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")] == [("wal",), (_FULL,)]
