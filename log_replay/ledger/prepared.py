"""SQL statements that Django compiles once; later executions only insert their values.

Building and compiling an UPDATE takes Django about 300 us, and sending it to MariaDB 20 us. The ledger needs three
statements for each batch, and one for each small object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.db import connections, router
from django.db.models import Expression
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery, UpdateQuery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import Model, QuerySet

    #: SQL, and its parameters: placeholders and constant values.
    Compiled = tuple[str, Sequence[Any]]


class Placeholder(Expression):
    """The place of a value in a statement. Its output field is the one that the value belongs to."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:  # noqa: ARG002 - Django's
        """Return the SQL. Its only parameter is this object."""
        return "%s", (self,)


class Prepared:
    """A statement on the table of a model, compiled once for each set of fields.

    Args:
        model: the model.
    """

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._statements: dict[tuple[str, ...], Compiled] = {}

    def execute(self, **values: Any) -> int:
        """Execute the statement, and return the number of rows.

        Args:
            values: the values by their fields.
        """
        names = tuple(values)
        using = router.db_for_write(self._model)
        if names not in self._statements:
            fields = {name: self._model._meta.get_field(name) for name in names}  # noqa: SLF001 - documented by Django
            self._statements[names] = self._compile({name: Placeholder(fields[name]) for name in names}, using)
        sql, places = self._statements[names]
        connection = connections[using]
        parameters = [
            place.output_field.get_db_prep_save(values[place.output_field.name], connection)
            if isinstance(place, Placeholder)
            else place
            for place in places
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return int(cursor.rowcount)

    def _compile(self, values: Mapping[str, Placeholder], using: str) -> Compiled:
        """Compile the statement for a database."""
        raise NotImplementedError


class PreparedUpdate(Prepared):
    """An UPDATE.

    Args:
        rows: contains the rows to update.
        where: the fields that select some of these rows. The other fields are set.
        expressions: the values of further fields that are set each time.
    """

    def __init__(self, rows: QuerySet[Any], where: Sequence[str], **expressions: Any) -> None:
        super().__init__(rows.model)
        self._rows = rows
        self._where = where
        self._expressions = expressions

    def _compile(self, values: Mapping[str, Placeholder], using: str) -> Compiled:
        rows = self._rows.filter(**{name: values[name] for name in self._where})
        query = cast("UpdateQuery", rows.query.chain(UpdateQuery))
        changes = {name: value for name, value in values.items() if name not in self._where}
        query.add_update_values(changes | self._expressions)
        sql, parameters = query.get_compiler(using).as_sql()
        return sql, parameters


class PreparedInsert(Prepared):
    """An INSERT of one row, with all its fields. It does nothing if the row exists."""

    def _compile(self, values: Mapping[str, Placeholder], using: str) -> Compiled:
        query = InsertQuery(self._model, on_conflict=OnConflict.IGNORE)
        row = self._model(**{value.output_field.attname: value for value in values.values()})
        query.insert_values([value.output_field for value in values.values()], [row])
        ((sql, parameters),) = query.get_compiler(using).as_sql()
        return sql, parameters
