"""Write numbers, times and names for people."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
#: An interval whose middle is further from the figure, in halves of the interval, is not written with ±.
_SYMMETRIC = 0.1
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
#: From this number on, one decimal would say nothing.
_LARGE = 100


class Figures:
    """The figures of a document as text, with the interval of those that are estimates.

    Args:
        document: the document of an inspection.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._intervals = document["intervals"]

    def value(self, pointer: str) -> Any:
        """Return the value at a JSON pointer."""
        found: Any = self.document
        for part in pointer.split("/")[1:]:
            found = found[int(part) if isinstance(found, list) else part.replace("~1", "/").replace("~0", "~")]
        return found

    def count(self, pointer: str) -> str:
        """Return the number at a JSON pointer: ``1,234``, ``1,234 ± 56`` or ``at least 1,234``."""
        return self._written(pointer, lambda number: f"{number:,.0f}")

    def number_of(self, pointer: str, one: str, many: str = "") -> str:
        """Return the number at a JSON pointer with what it counts: ``1 line``, ``2 lines`` or ``1,234 ± 56 lines``."""
        is_one = self.value(pointer) == 1 and pointer not in self._intervals
        return f"{self.count(pointer)} {one if is_one else many or one + 's'}"

    def bytes(self, pointer: str) -> str:
        """Return the number of bytes at a JSON pointer: ``1.2 GB``."""
        return self._written(pointer, size)

    def share(self, pointer: str) -> str:
        """Return the share at a JSON pointer: ``4.1 %``."""
        return self._written(pointer, percent)

    def _written(self, pointer: str, write: Callable[[float], str]) -> str:
        text, interval = write(self.value(pointer)), self._intervals.get(pointer)
        if interval is None:
            return text
        low, high = interval
        if high is None:
            return f"at least {text}"
        value, half = self.value(pointer), (high - low) / 2
        if abs(value - low - half) > _SYMMETRIC * half:
            return f"{text} ({write(low)} to {write(high)})"
        return f"{text} ± {write(half)}"


def size(number: float) -> str:
    """Return a number of bytes as ``1.2 GB``; a thousand bytes are 1 KB."""
    unit = 0
    while number >= 1000 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - a thousand
        number, unit = number / 1000, unit + 1
    return f"{number:.0f} {_UNITS[unit]}" if unit == 0 or number >= _LARGE else f"{number:.1f} {_UNITS[unit]}"


def seconds(number: float) -> str:
    """Return a time as ``0.3 s``, ``12 s``, ``5 min``, ``3 h 20 min`` or ``2 days 4 h``."""
    if number < 10:  # noqa: PLR2004 - two digits say enough
        return f"{number:.1f} s" if number >= 0.05 else "less than 0.1 s"  # noqa: PLR2004 - what rounds to 0.1
    if number < 2 * _MINUTE:
        return f"{number:.0f} s"
    if number < 2 * _HOUR:
        return f"{number / _MINUTE:.0f} min"
    large, small, names = (_HOUR, _MINUTE, ("h", "min")) if number < 2 * _DAY else (_DAY, _HOUR, ("days", "h"))
    whole, rest = divmod(round(number / small), large // small)
    return f"{whole} {names[0]} {rest} {names[1]}" if rest else f"{whole} {names[0]}"


def percent(share: float) -> str:
    """Return a share as ``4.1 %``. Only 0 is ``0 %``."""
    if not share:
        return "0 %"
    return "less than 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"  # noqa: PLR2004 - what rounds to 0.1 %


def number_of(count: int, one: str, many: str = "") -> str:
    """Return ``1 line`` or ``2 lines``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def enumerated(numbers: Mapping[str, int], most: int) -> str:
    """Return names with their numbers, the first ones only, and the number of the others."""
    shown = [f"{name(label, 60)} {number:,}" for label, number in list(numbers.items())[:most]]
    more = len(numbers) - len(shown)
    return ", ".join(shown) + (f", and {number_of(more, 'other')}" if more > 0 else "")


def moment(text: str) -> str:
    """Return a time of the document as ``2026-03-02 08:15:27``."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S}"


def day_or_hour(text: str, step_hours: int) -> str:
    """Return a time of the document as a day, or as a day and an hour."""
    return f"{datetime.fromisoformat(text):{'%Y-%m-%d' if step_hours > 1 else '%Y-%m-%d %H:%M'}}"


def name(text: str, longest: int = 0) -> str:
    """Return a name from a log without control characters, cut in the middle if it is longer than ``longest``."""
    shown = escape_controls(text)
    if longest and len(shown) > longest:
        head = (longest - 1) // 2
        return f"{shown[:head]}…{shown[len(shown) - (longest - 1 - head) :]}"
    return shown
