"""Find lines that occur more than once: whole objects that repeat another one, and objects that overlap.

Two objects whose numbers of lines and bytes and whose fingerprints are equal hold the same lines: one is a copy,
perhaps compressed. For overlaps, a sample of the lines is kept. It is chosen by digest, so a line is in the sample of
every object that has it, or of none. The more lines a log has, the smaller the share that is chosen: about
``SAMPLED_LINES`` at most.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.block_profile import BlockProfile, ScannedLines

#: About the largest number of lines in the sample; they take half a megabyte.
SAMPLED_LINES = 1 << 15
#: The sample is never larger than this, even if a log was written so that all its lines are chosen.
_MOST_LINES = 4 * SAMPLED_LINES
_DIGEST_BITS = 64
_FINGERPRINT_MASK = 2**64 - 1
#: The number of objects whose own figures are kept.
OBJECTS = 50_000


def sample_level(lines: int) -> int:
    """Return the number of zero bits with which the digests of sampled lines begin, for a log with this many lines."""
    return (lines // SAMPLED_LINES).bit_length()


@dataclass(slots=True)
class ObjectProfile:
    """The lines of one object, or of a part of one. Times are in microseconds since 1970, -1 if no line has one."""

    name: str
    stored_bytes: int | None = None
    size_bytes: int = 0
    lines: int = 0
    statements: int = 0
    rejects: int = 0
    first: int = -1
    last: int = -1
    fingerprint: int = 0

    def add(self, size_bytes: int, lines: int, scanned: ScannedLines | ObjectProfile) -> None:
        """Add the lines of a block, or those of another part."""
        self.size_bytes += size_bytes
        self.lines += lines
        self.fingerprint = (self.fingerprint + scanned.fingerprint) & _FINGERPRINT_MASK
        if scanned.first >= 0:
            self.first = scanned.first if self.first < 0 else min(self.first, scanned.first)
            self.last = max(self.last, scanned.last)


class Repeat(NamedTuple):
    """Lines of one object that an earlier object has as well, or that one object has more than once.

    Attributes:
        object: the number of the later object.
        of: the number of the earlier one; the same number for repeats inside an object.
        lines: the number of lines, estimated from the sample unless ``whole``.
        whole: the two objects hold the same lines, and no others.
        first: the time of the first of these lines, as far as the sample tells.
        last: the time of the last of them.
    """

    object: int
    of: int
    lines: int
    whole: bool
    first: int
    last: int

    def with_line(self, time: int, copies: int) -> Repeat:
        """Return the repeat with one more line."""
        first, last = min(self.first, time), max(self.last, time)
        return self._replace(lines=self.lines + copies, first=first, last=last)


@dataclass(slots=True)
class LineSample:
    """A sample of the lines of all objects.

    Attributes:
        level: the number of zero bits with which the digests begin.
        lines: digest and time of each sampled line, alternately, object by object.
        objects: the numbers of the objects. An object can occur more than once.
        counts: how many of the lines each of them has.
    """

    level: int = 0
    lines: array[int] = field(default_factory=lambda: array("Q"))
    objects: array[int] = field(default_factory=lambda: array("L"))
    counts: array[int] = field(default_factory=lambda: array("L"))

    def add(self, object_number: int, profile: BlockProfile, lines: int) -> None:
        """Add the sample of a block.

        Args:
            object_number: the number of the block's object.
            profile: the profile of the block.
            lines: the number of all lines so far, with those of the block.
        """
        if profile.lines.sample:
            self._add(object_number, array("Q", profile.lines.sample))
        self._thin_out(lines)

    def merge(self, other: LineSample, numbers: list[int], lines: int) -> None:
        """Add the sample of a later part of the log.

        Args:
            other: the sample of the part.
            numbers: the number that each of its objects has here.
            lines: the number of all lines, with those of the part.
        """
        for object_number, part in other._parts():
            self._add(numbers[object_number], part)
        self._thin_out(lines)

    def _add(self, object_number: int, part: array[int]) -> None:
        self.lines.extend(part)
        if self.objects and self.objects[-1] == object_number:
            self.counts[-1] += len(part) // 2
        else:
            self.objects.append(object_number)
            self.counts.append(len(part) // 2)

    def _parts(self) -> Iterator[tuple[int, array[int]]]:
        """Yield the numbers of objects, each with its lines."""
        end = 0
        for object_number, count in zip(self.objects, self.counts, strict=True):
            begin, end = end, end + 2 * count
            yield object_number, self.lines[begin:end]

    def _thin_out(self, lines: int) -> None:
        """Keep a sample of the right size for this number of lines. It has more lines, until that saves memory."""
        self.level = max(self.level, sample_level(lines))
        while len(self.lines) > 2 * _MOST_LINES:
            self._keep_level()
            if len(self.lines) > 2 * _MOST_LINES:
                self.level += 1

    def _keep_level(self) -> None:
        """Drop the lines that the sample of this level does not have."""
        limit = 1 << (_DIGEST_BITS - self.level)
        kept = LineSample(self.level)
        for object_number, part in self._parts():
            chosen = array("Q", chain.from_iterable(pair for pair in _pairs(part) if pair[0] < limit))
            if chosen:
                kept._add(object_number, chosen)
        self.lines, self.objects, self.counts = kept.lines, kept.objects, kept.counts

    def repeats(self, objects: list[ObjectProfile]) -> Iterator[Repeat]:
        """Yield the repeats among objects, by the number of the later object."""
        self._keep_level()
        whole = dict(_copies(objects))
        found: dict[tuple[int, int], Repeat] = {}
        for time, copies in self._repeated():
            of = min(copies)
            for number, count in copies.items():
                repeated = count - 1 if number == of else count
                if repeated and number not in whole:
                    before = found.get((number, of)) or Repeat(number, of, 0, whole=False, first=time, last=time)
                    found[number, of] = before.with_line(time, repeated << self.level)
        for number, of in whole.items():
            copied = objects[number]
            found[number, of] = Repeat(number, of, copied.lines, whole=True, first=copied.first, last=copied.last)
        yield from (found[key] for key in sorted(found))

    def _repeated(self) -> Iterator[tuple[int, Counter[int]]]:
        """Yield the time of each line that occurs more than once, and its number in each object."""
        counts = Counter(self.lines[::2])
        if 2 * len(counts) == len(self.lines):
            return
        found: dict[int, tuple[int, Counter[int]]] = {}
        for number, part in self._parts():
            for digest, time in _pairs(part):
                if counts[digest] > 1:
                    found.setdefault(digest, (time, Counter()))[1][number] += 1
        yield from found.values()


def _pairs(part: array[int]) -> Iterator[tuple[int, int]]:
    return zip(part[::2], part[1::2], strict=True)


def _copies(objects: list[ObjectProfile]) -> Iterator[tuple[int, int]]:
    """Yield the number of each object that holds the same lines as an earlier one, and the number of that one."""
    seen: dict[tuple[int, int, int], int] = {}
    for number, found in enumerate(objects):
        if found.first >= 0:
            of = seen.setdefault((found.lines, found.size_bytes, found.fingerprint), number)
            if of != number:
                yield number, of
