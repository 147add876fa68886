"""Show the progress of a run until it ends: a table on a terminal, and a line at a time elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

#: Queries of a large run take long. They may take this share of the time.
LARGEST_SHARE = 0.1
#: A run counts as interrupted after this time without a process. At its beginning, at its end and after a lost
#: connection, it has no process for a moment.
INTERRUPTED_SECONDS = 30.0


class Observation(NamedTuple):
    """The progress of a run at one time.

    Attributes:
        shown: everything that ``replay_runs show`` prints.
        lines_per_second: the speed since the observation before, or on average.
        seconds_left: the estimated remaining time, None if it is not known.
    """

    shown: dict[str, Any]
    lines_per_second: float
    seconds_left: float | None

    @property
    def text(self) -> str:
        """The progress as one line."""
        groups, processes = self.shown["groups"], self.shown["processes"]
        parts = [
            self.shown["state"],
            f"{self.shown['percent']:.1f} %",
            f"{groups['done']} of {groups['all']} groups",
            f"{self.shown['counters']['lines']:,} lines",
            f"{self.lines_per_second:,.0f} lines/s",
            f"{len(processes)} {'process' if len(processes) == 1 else 'processes'}",
        ]
        if self.seconds_left is not None:
            parts.append(f"{_duration(self.seconds_left)} left")
        return escape_controls(", ".join(parts))


class RunWatch:
    """Observes one run.

    Args:
        look: returns what ``replay_runs show`` prints of the run.
    """

    def __init__(self, look: Callable[[], dict[str, Any]]) -> None:
        self._look = look
        self._first: tuple[float, dict[str, Any]] | None = None
        self._last: tuple[float, dict[str, Any]] | None = None

    def observe(self) -> Observation:
        """Return the progress now."""
        shown, now = self._look(), time.monotonic()
        speed, left = float(shown["lines_per_second"]), None
        if self._first and self._last:
            speed = (shown["counters"]["lines"] - self._last[1]["counters"]["lines"]) / max(now - self._last[0], 0.001)
            gained = shown["percent"] - self._first[1]["percent"]
            left = (100 - shown["percent"]) * (now - self._first[0]) / gained if gained > 0 else None
        self._first = self._first or (now, shown)
        self._last = now, shown
        return Observation(shown, max(speed, 0.0), left)

    def until_end(self, show: Callable[[Observation], None], every_seconds: float) -> Observation:
        """Show the progress again and again, until the run has ended or is interrupted. Return the last observation."""
        has_process_at = time.monotonic()
        while True:
            asked = time.monotonic()
            observation = self.observe()
            show(observation)
            state = observation.shown["state"]
            if state == "running":
                has_process_at = asked
            elif state != "interrupted" or asked - has_process_at >= INTERRUPTED_SECONDS:
                return observation
            time.sleep(max(every_seconds, (time.monotonic() - asked) / LARGEST_SHARE))


def as_table(observation: Observation) -> Table:
    """Return the progress and the processes as a table for a terminal."""
    from rich.table import Table  # noqa: PLC0415 - slow to import, and only for terminals
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=Text(observation.text), title_justify="left", box=None)
    for heading in ("process", "groups", "reading", "offset"):
        table.add_column(heading)
    for process in observation.shown["processes"]:
        reading = process["reading"]
        cells = [process["process"], ", ".join(map(str, process["groups"])) or "all"]
        cells += [reading["object"], f"{reading['offset']:,}"] if reading else ["", ""]
        table.add_row(*(Text(escape_controls(cell)) for cell in cells))
    return table


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
