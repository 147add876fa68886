"""Read objects in pages. Each page is a range of primary keys, so all pages cost the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, InterfaceError

from log_replay.databases import database_reason
from log_replay.errors import IdentityError
from log_replay.identities.parameters import query_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import Model, QuerySet


def pages(objects: QuerySet[Model], *, after: Any | None, only: Sequence[Any], page_size: int) -> Iterator[list[Model]]:
    """Yield pages of objects in the order of their primary keys.

    Args:
        objects: all of them, ordered by primary key.
        after: read only objects with a greater primary key, if given.
        only: read only objects with these primary keys, if there are any.
        page_size: the number of objects in a page.

    Raises:
        IdentityError: the LMS's database does not answer.
    """
    if not only:
        yield from _range(objects, after, page_size)
        return
    for part in query_parts(sorted(only)):
        yield from _range(objects.filter(pk__in=part), after, page_size)


def _range(objects: QuerySet[Model], after: Any | None, page_size: int) -> Iterator[list[Model]]:
    while page := _page(objects if after is None else objects.filter(pk__gt=after), page_size):
        yield page
        after = page[-1].pk


def _page(objects: QuerySet[Model], page_size: int) -> list[Model]:
    try:
        return list(objects[:page_size])
    except (DatabaseError, InterfaceError) as error:
        raise IdentityError(
            database_reason(error),
            operation="read",
            object=objects.model._meta.db_table,  # noqa: SLF001 - documented
        ) from error
