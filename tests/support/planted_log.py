"""A folder of logs with planted facts, and a manifest with their exact numbers.

    python -m tests.generate_log --planted logs --bytes 5GB --manifest manifest.json --identities identities.json

The folder has one file a day (or an hour). Planted are: three holes without any event; two files that are stored twice,
one as gzip and one under another name; a file that begins with the last lines of the file before it; events that are
rejected for six reasons (1 % of all lines); statements that violate xAPI (2 % of all statements); and damaged lines.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
from bisect import bisect
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tests.support.planted_events import Kind, kinds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2026, 3, 1, tzinfo=UTC)
#: The first period of each hole, as a share of all periods, and the number of its periods.
HOLES = ((0.2, 1), (0.45, 3), (0.75, 2))
#: The periods, as shares, whose files are stored again, and the one whose last lines begin the next file.
COMPRESSED_COPY, PLAIN_COPY, OVERLAP = 0.1, 0.6, 0.35
#: The share of lines in each hour of a day.
HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 11, 12, 12, 11, 10, 9, 10, 11, 9, 6, 3)
#: The share of lines on each weekday, from Monday on.
WEEKDAYS = (12, 13, 12, 11, 9, 6, 7)
UNKNOWN_USERS, UNKNOWN_COURSES = 400, 5
SESSION_FACTOR = 0x9E3779B97F4A7C15F39CC0605CEDC835


class Hole(NamedTuple):
    """A time without events: the start of its first period, and of the first period after it."""

    start: str
    end: str


class Repeat(NamedTuple):
    """Lines that are in two files."""

    first: str
    second: str
    lines: int
    bytes: int


@dataclass
class Manifest:
    """The facts of a planted log. Lines that are in two files count twice.

    Attributes:
        users: the number of users of known events that give statements.
        courses: the number of courses of known events that give statements.
        invalid: the number of invalid statements by event.
    """

    period: str
    files: int = 0
    bytes: int = 0
    stored_bytes: int = 0
    lines: int = 0
    known: int = 0
    statements: int = 0
    unparsable: int = 0
    users: int = 0
    courses: int = 0
    first: str = ""
    last: str = ""
    lines_by_period: dict[str, int] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    statements_by_event: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    invalid: Counter[str] = field(default_factory=Counter)
    holes: list[Hole] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    overlaps: list[Repeat] = field(default_factory=list)

    def to_json(self) -> str:
        """Return the manifest as JSON."""
        return json.dumps(vars(self), indent=1)


class Written(NamedTuple):
    """A written file: the kinds of its lines, its size, and the lines at its end."""

    number: int
    path: Path
    kinds: Counter[int]
    size_bytes: int
    tail: list[bytes]
    tail_kinds: Counter[int]


class Planted:
    """Writes the log.

    Args:
        folder: the folder to write to.
        total_bytes: the approximate number of bytes in all files together.
        seed: the seed of all random values.
        period: ``day`` or ``hour``: the time that one file covers.
        periods: the number of periods from the first event to the last.
    """

    def __init__(
        self,
        folder: Path,
        total_bytes: int,
        *,
        seed: int = 1,
        period: str = "day",
        periods: int = 28,
        users: int = 5000,
        courses: list[tuple[bytes, bytes]],
    ) -> None:
        self._folder, self._seed, self._periods = folder, seed, periods
        self._step = timedelta(days=1) if period == "day" else timedelta(hours=1)
        self._users, self._courses = users, courses
        self._kinds = kinds()
        self._cumulative = list(accumulate(kind.share for kind in self._kinds))[:-1]
        self._seen_users: set[int] = set()
        self._seen_courses: set[bytes] = set()
        self._total_bytes = total_bytes
        self.manifest = Manifest(period)

    def write(self) -> Manifest:
        """Write all files, and return the manifest."""
        self._folder.mkdir(parents=True, exist_ok=True)
        weights = {number: self._weight(number) for number in range(self._periods) if not self._in_hole(number)}
        copies = {self._at(COMPRESSED_COPY): 1, self._at(PLAIN_COPY): 1}
        total = sum(weight * (1 + copies.get(number, 0)) for number, weight in weights.items())
        lines_per_weight = self._total_bytes / self._line_bytes() / total
        overlapping: Written | None = None
        for number, weight in weights.items():
            count = max(24, round(weight * lines_per_weight))
            written = self._write_file(number, count, overlapping)
            overlapping = written if number == self._at(OVERLAP) else None
            if number == self._at(COMPRESSED_COPY):
                self._copy(written, f"archive/{written.path.name}.gz")
            if number == self._at(PLAIN_COPY):
                self._copy(written, f"restored/{written.path.name}")
        manifest = self.manifest
        manifest.users, manifest.courses = len(self._seen_users), len(self._seen_courses)
        manifest.holes = [
            Hole(self._time(self._at(share)), self._time(self._at(share) + length)) for share, length in HOLES
        ]
        return manifest

    def _at(self, share: float) -> int:
        return int(share * self._periods)

    def _in_hole(self, number: int) -> bool:
        return any(self._at(share) <= number < self._at(share) + length for share, length in HOLES)

    def _start(self, number: int) -> datetime:
        return START + number * self._step

    def _time(self, number: int) -> str:
        return self._start(number).isoformat()

    def _weight(self, number: int) -> int:
        start = self._start(number)
        return WEEKDAYS[start.weekday()] * (1 if self.manifest.period == "day" else HOURS[start.hour])

    def _line_bytes(self) -> float:
        """Return the mean length of a line."""
        return 10 + sum(
            kind.share * sum(len(text) for text, _ in kind.templates) / len(kind.templates) for kind in self._kinds
        )

    def _write_file(self, number: int, count: int, before: Written | None) -> Written:
        start = self._start(number)
        path = self._folder / f"tracking.log-{start:%Y%m%d}{f'T{start:%H}' if self.manifest.period == 'hour' else ''}"
        found: Counter[int] = Counter()
        tail: list[bytes] = []
        tail_kinds: Counter[int] = Counter()
        # One in five lines, at most 50 MB, because they are kept in memory.
        tail_from = count - min(count // 5, 40_000) if number == self._at(OVERLAP) else count
        with path.open("wb", buffering=1_000_000) as out:
            if before:
                out.writelines(before.tail)
                found += before.tail_kinds
                size = sum(map(len, before.tail))
                self.manifest.overlaps.append(Repeat(before.path.name, path.name, len(before.tail), size))
            for index, (line, kind) in enumerate(self._lines(number, count)):
                out.write(line)
                found[kind] += 1
                if index >= tail_from:
                    tail.append(line)
                    tail_kinds[kind] += 1
        written = Written(number, path, found, path.stat().st_size, tail, tail_kinds)
        self._count(written, path.stat().st_size)
        self._count_by_period(written, before)
        return written

    def _lines(self, number: int, count: int) -> Iterator[tuple[bytes, int]]:
        """Yield the lines of a period, and the numbers of their kinds."""
        bits = random.Random(f"{self._seed}/{number}").getrandbits
        all_kinds, cumulative, names = self._kinds, self._cumulative, self._courses
        for time in self._times(number, count, random.Random(f"{self._seed}/{number}/times")):
            draw = bits(112)
            index = bisect(cumulative, (draw & 0xFFFFFF) / 0x1000000)
            kind = all_kinds[index]
            text, pick = kind.templates[(draw >> 24 & 0xFFFFFF) % len(kind.templates)]
            user = 1 + (draw >> 48 & 0xFFFFFF) % self._users
            org, course = names[(draw >> 72 & 0xFFFFFF) % len(names)]
            if kind.unknown_user:
                user = self._users + 1 + user % UNKNOWN_USERS
            elif kind.unknown_course:
                org, course = b"Gone", b"G%d" % (user % UNKNOWN_COURSES)
            elif kind.statements:
                self._seen_users.add(user)
                self._seen_courses.add(course)
            session = b"%032x" % (user * SESSION_FACTOR % 2**128)
            yield text % pick((b"%d" % user, b"user_%d" % user, org, course, time, session)), index

    def _times(self, number: int, count: int, order: random.Random) -> Iterator[bytes]:
        """Yield increasing times in a period, as many in each hour of a day as people work then."""
        start = self._start(number)
        parts = HOURS if self.manifest.period == "day" else (1,)
        part_microseconds = 3_600_000_000
        done, total = 0, sum(parts)
        first = ""
        time = b""
        for part, until in enumerate(accumulate(parts)):
            lines = round(count * until / total) - done
            done += lines
            step = part_microseconds // max(lines, 1)
            begin = start + part * timedelta(hours=1)
            for index in range(lines):
                moment = begin + timedelta(microseconds=index * step + order.getrandbits(40) % step)
                text = moment.isoformat(timespec="microseconds")
                first = first or text
                time = text.encode()
                yield time
        self.manifest.first = min(self.manifest.first or first, first)
        self.manifest.last = max(self.manifest.last, time.decode())

    def _count(self, written: Written, stored_bytes: int) -> None:
        """Count the lines of a file."""
        manifest = self.manifest
        manifest.files += 1
        manifest.bytes += written.size_bytes
        manifest.stored_bytes += stored_bytes
        for index, lines in written.kinds.items():
            self._count_kind(self._kinds[index], lines)

    def _count_kind(self, kind: Kind, lines: int) -> None:
        manifest = self.manifest
        manifest.lines += lines
        if kind.event is None:
            manifest.unparsable += lines if kind.reason else 0
            return
        manifest.known += lines
        manifest.events[kind.event] += lines
        if kind.reason:
            manifest.rejects[kind.reason] += lines
            return
        statements = lines * kind.statements
        manifest.statements += statements
        manifest.statements_by_event[kind.event] += statements
        if kind.invalid:
            manifest.invalid[kind.event] += statements

    def _count_by_period(self, written: Written, before: Written | None) -> None:
        """Count the lines by the period of their times, which damaged lines have as well."""
        by_period = self.manifest.lines_by_period
        repeated = sum(before.tail_kinds.values()) if before else 0
        for at, counted in ((written.number, sum(written.kinds.values()) - repeated), (written.number - 1, repeated)):
            if counted:
                by_period[self._time(at)] = by_period.get(self._time(at), 0) + counted

    def _copy(self, written: Written, name: str) -> None:
        """Store a file a second time."""
        path = self._folder / name
        path.parent.mkdir(exist_ok=True)
        out: BinaryIO | gzip.GzipFile
        if name.endswith(".gz"):
            with written.path.open("rb") as lines, gzip.GzipFile(path, "wb", compresslevel=1, mtime=0) as out:
                shutil.copyfileobj(lines, out, 1_000_000)
        else:
            shutil.copyfile(written.path, path)
        self._count(written, path.stat().st_size)
        self._count_by_period(written, None)
        lines = sum(written.kinds.values())
        self.manifest.repeats.append(Repeat(written.path.name, name, lines, written.size_bytes))
