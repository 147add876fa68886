"""Split a unit around lines that could not be transformed, so that only these lines stay undone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_replay.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.records import Unit


class SkippedLines(ReadError):
    """The lines of a range could not be transformed, while the rest of the object can.

    Args:
        message: the reason.
        object: the name of the object.
        begin: the offset of the first line of the range.
        end: the offset of the first line after the range.
        lines: the offsets of the lines.
        hint: what the operator can do next.
    """

    def __init__(  # noqa: PLR0913 - the attributes of an error
        self,
        message: str,
        *,
        object: str,  # noqa: A002 - the field's own term
        begin: int,
        end: int,
        lines: Sequence[int],
        hint: str,
    ) -> None:
        super().__init__(message, operation="transform", object=object, offset=begin, hint=hint)
        self.begin = begin
        self.end = end
        self.lines = lines


def skipped_part(unit: Unit, error: SkippedLines, number: int) -> Unit:
    """Return the skipped lines of a unit as a new unit."""
    lines = None if unit.lines is None else frozenset(error.lines)
    counted_to = error.end if unit.counted_to >= error.end else error.begin
    return replace(
        unit, number=number, start=error.begin, end=error.end, lines=lines, offset=error.begin, counted_to=counted_to
    )


def rest_of(unit: Unit, error: SkippedLines, number: int) -> Unit:
    """Return the part of a unit after skipped lines as a new unit."""
    lines = None if unit.lines is None else frozenset(line for line in unit.lines if line >= error.end)
    counted_to = max(unit.counted_to, error.end)
    return replace(unit, number=number, start=error.end, lines=lines, offset=error.end, counted_to=counted_to)
