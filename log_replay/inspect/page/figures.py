"""Numbers of the report as texts, with their intervals if the report is about a sample."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_THOUSAND = 1000
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


class Cell(NamedTuple):
    """A cell of a table: its text, the value to sort by, and the interval below it."""

    text: str
    value: float | str
    interval: str = ""
    is_code: bool = False

    @property
    def html(self) -> SafeString:
        """The text, with code between backticks as HTML."""
        return mark_safe(re.sub("`([^`]*)`", r"<code>\1</code>", escape(self.text)))  # noqa: S308 - it is escaped

    @property
    def is_number(self) -> bool:
        """True if the cell is aligned to the right."""
        return not isinstance(self.value, str)


class Figures:
    """Reads the figures of a document, each by its JSON pointer."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._intervals: Mapping[str, list[float | None]] = document.get("intervals") or {}

    def value(self, *path: str | int) -> Any:
        """Return the value at a path, or None if the document does not have it."""
        found: Any = self._document
        for key in path:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def interval(self, *path: str | int) -> tuple[float, float | None] | None:
        """Return the 95 % interval of a figure, None if the figure is exact."""
        ends = self._intervals.get(pointer(*path))
        if ends is None or ends[0] is None or ends[0] == ends[1]:
            return None
        return ends[0], ends[1]

    def number(self, *path: str | int) -> Cell:
        """Return a number as a cell."""
        return number(self.value(*path), self.interval(*path))


def pointer(*path: str | int) -> str:
    """Return the JSON pointer of a path (RFC 6901)."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in path)


def number(value: float | None, interval: tuple[float, float | None] | None = None) -> Cell:
    """Return a cell with a number and its interval."""
    if value is None:
        return Cell("-", -1)
    return Cell(f"{value:,.0f}", value, interval_text(interval))


def interval_text(interval: tuple[float, float | None] | None) -> str:
    """Return an interval as ``1,200 to 1,300``."""
    if interval is None:
        return ""
    low, high = interval
    return "or more" if high is None else f"{low:,.0f} to {high:,.0f}"


def percent(share: float | None) -> Cell:
    """Return a cell with a share, with two digits that are not zero."""
    if share is None:
        return Cell("-", -1)
    return Cell(f"{share * 100:.3g} %" if share else "0 %", share)


def size_text(size_bytes: float | None) -> str:
    """Return a size such as ``4.2 GB``."""
    if size_bytes is None:
        return "-"
    size, unit = float(size_bytes), 0
    while size >= _THOUSAND and unit < len(_UNITS) - 1:
        size, unit = size / _THOUSAND, unit + 1
    return f"{size:,.0f} {_UNITS[unit]}" if unit == 0 else f"{size:,.{1 if size < 100 else 0}f} {_UNITS[unit]}"  # noqa: PLR2004


def time_text(moment: str | None) -> str:
    """Return a time of the document as ``2026-03-02 08:15``."""
    return "-" if moment is None else moment[:16].replace("T", " ")


def duration_text(seconds: float) -> str:
    """Return a duration such as ``2 h 05 min``."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:02.0f} s"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:02.0f} min"
    return f"{seconds // _DAY:,.0f} d {seconds % _DAY // _HOUR:.0f} h"
