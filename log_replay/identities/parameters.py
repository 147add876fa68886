"""The number of parameters that one SQL query may have."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")

#: SQLite allows 32,766 parameters in a query. A block of ordinary lines needs a twentieth of this number.
MAX_PARAMETERS = 15_000


def query_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split values into parts that fit into one query each."""
    return (values[start : start + MAX_PARAMETERS] for start in range(0, len(values), MAX_PARAMETERS))


def padded(values: Sequence[T]) -> list[T]:
    """Return values with the last one repeated up to a power of two, so that few different queries must be compiled."""
    missing = (1 << max(len(values) - 1, 0).bit_length()) - len(values)
    return [*values, *repeat(values[-1], missing)] if values else []
