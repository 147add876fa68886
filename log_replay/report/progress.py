"""The progress of a running replay: a bar on a terminal, and log lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

import structlog

from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.records import SourceObject

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_LINES = 30.0
#: What the bar needs beside the number and the name of the object, and the least that it leaves them.
_OTHER_COLUMNS, _LEAST_NAME_COLUMNS = 60, 12


class Progress(Protocol):
    """Receives the progress of a run."""

    def expect(self, objects: int, size_bytes: int | None) -> None:
        """Set the number of objects and their total size as stored, None if it is not known."""

    def begin(self, obj: SourceObject) -> None:
        """Begin an object. The objects before it are done."""

    def advance(self, offset: int, lines: int) -> None:
        """Add lines that are done, up to this offset."""


class ProgressState:
    """The progress of a run, in bytes as stored. Compressed objects count when they are done."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.objects = self.total_objects = self.lines = self.done_bytes = self._within_bytes = 0
        self.total_bytes: int | None = None
        self._size_bytes: int | None = None
        self.name = ""

    def expect(self, objects: int, size_bytes: int | None) -> None:
        """See ``Progress``."""
        self.total_objects, self.total_bytes = objects, size_bytes

    def begin(self, obj: SourceObject) -> None:
        """See ``Progress``."""
        if self.name:
            self.objects += 1
            self.done_bytes += self._within_bytes if self._size_bytes is None else self._size_bytes
        self.name, self._size_bytes, self._within_bytes = obj.name, obj.size_bytes, 0

    def advance(self, offset: int, lines: int) -> None:
        """See ``Progress``."""
        self.lines += lines
        self._within_bytes = offset if self._size_bytes is None else min(offset, self._size_bytes)

    @property
    def bytes(self) -> int:
        """The number of bytes that are done."""
        return self.done_bytes + self._within_bytes

    @property
    def seconds_left(self) -> float | None:
        """The estimated remaining time at the average speed so far."""
        elapsed = time.monotonic() - self.started
        if not self.total_bytes or not self.bytes:
            return None
        return elapsed * (self.total_bytes - self.bytes) / self.bytes


class ProgressLog(ProgressState):
    """Logs the progress twice a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._logged = self.started

    def advance(self, offset: int, lines: int) -> None:
        """See ``Progress``."""
        super().advance(offset, lines)
        now = time.monotonic()
        if now - self._logged >= SECONDS_BETWEEN_LINES:
            self._logged = now
            self._log(now)

    def _log(self, now: float) -> None:
        left = self.seconds_left
        log.info(
            "progress",
            object=self.name,
            objects=f"{self.objects}/{self.total_objects or '?'}",
            megabytes=self.bytes // 1_000_000,
            lines=self.lines,
            lines_per_second=round(self.lines / max(now - self.started, 0.001)),
            minutes_left=None if left is None else round(left / 60, 1),
        )


class ProgressBar(ProgressState):
    """Shows a progress bar on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to import, and only for terminals
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        super().__init__()
        self.display = RichProgress(
            TextColumn("{task.description}", markup=False),  # names of objects may contain [brackets]
            BarColumn(bar_width=None),
            DownloadColumn(),
            TextColumn("{task.fields[rate]} lines/s"),
            TimeRemainingColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._task = self.display.add_task("listing", total=None, rate="0")

    def advance(self, offset: int, lines: int) -> None:
        """See ``Progress``."""
        super().advance(offset, lines)
        self._draw()

    def begin(self, obj: SourceObject) -> None:
        """See ``Progress``."""
        super().begin(obj)
        self._draw()

    def _draw(self) -> None:
        rate = self.lines / max(time.monotonic() - self.started, 0.001)
        number, name = f"{self.objects + 1}/{self.total_objects or '?'}", escape_controls(self.name)
        room = max(_LEAST_NAME_COLUMNS, self.display.console.width - _OTHER_COLUMNS) - len(number) - 1
        self.display.update(
            self._task,
            # The end of a long name tells objects apart.
            description=f"{number} {name if len(name) <= room else '…' + name[1 - room :]}",
            total=self.total_bytes,
            completed=self.bytes,
            rate=f"{rate:,.0f}",
        )


@contextmanager
def shown_progress(stream: TextIO, *, bar: bool) -> Iterator[Progress]:
    """Show progress on a stream while the context is open.

    Args:
        stream: stderr.
        bar: show a bar. Without it, the progress is logged. Statements on the same terminal would break a bar.
    """
    if not bar:
        yield ProgressLog()
        return
    progress_bar = ProgressBar(stream)
    with progress_bar.display:
        yield progress_bar
