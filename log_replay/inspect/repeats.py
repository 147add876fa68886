"""Find lines that occur more than once: whole objects that repeat another one, and objects that overlap.

Two objects whose numbers of lines and bytes and whose fingerprints are equal hold the same lines: one is a copy,
perhaps compressed. For overlaps, a sample of the lines is kept. It is chosen by digest, so a line is in the sample of
every object that has it, or of none. The more lines a log has, the smaller the share that is chosen: about
``SAMPLED_LINES`` at most.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.block_profile import BlockProfile, ScannedLines

#: About the largest number of lines in the sample. 65,536 take 12 MB.
SAMPLED_LINES = 1 << 16
#: The sample is never larger than this, even if a log was written so that all its lines are chosen.
_MOST_ENTRIES = 4 * SAMPLED_LINES
_OBJECT_BITS = 32
_OBJECT_MASK = (1 << _OBJECT_BITS) - 1
_DIGEST_BITS = 64
_FINGERPRINT_MASK = 2**64 - 1
#: The number of objects whose own figures are kept.
OBJECTS = 100_000


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


@dataclass(slots=True)
class LineSample:
    """A sample of the lines of all objects.

    Attributes:
        level: the number of zero bits with which the digests begin.
        times: the time of each line, by digest and number of the object.
        copies: the number of further copies of a line inside its object, by the same keys.
    """

    level: int = 0
    times: dict[int, int] = field(default_factory=dict)
    copies: dict[int, int] = field(default_factory=dict)

    def add(self, object_number: int, profile: BlockProfile, lines: int) -> None:
        """Add the sample of a block.

        Args:
            object_number: the number of the block's object.
            profile: the profile of the block.
            lines: the number of all lines so far, with those of the block.
        """
        for digest, time in profile.lines.sample:
            self._add(digest << _OBJECT_BITS | object_number, time, 0)
        self.thin_out(lines)

    def merge(self, other: LineSample, numbers: list[int], lines: int) -> None:
        """Add the sample of a later part of the log.

        Args:
            other: the sample of the part.
            numbers: the number that each of its objects has here.
            lines: the number of all lines, with those of the part.
        """
        for key, time in other.times.items():
            copies = other.copies.get(key, 0)
            self._add(key & ~_OBJECT_MASK | numbers[key & _OBJECT_MASK], time, copies)
        self.thin_out(lines)

    def thin_out(self, lines: int) -> None:
        """Keep the lines that the sample of a log of this length has."""
        level = max(self.level, sample_level(lines))
        while level > self.level or len(self.times) > _MOST_ENTRIES:
            self.level = level if level > self.level else self.level + 1
            limit = 1 << (_DIGEST_BITS - self.level + _OBJECT_BITS)
            self.times = {key: time for key, time in self.times.items() if key < limit}
            self.copies = {key: copies for key, copies in self.copies.items() if key < limit}

    def repeats(self, objects: list[ObjectProfile]) -> Iterator[Repeat]:
        """Yield the repeats among objects, by the number of the later object."""
        whole = dict(_copies(objects))
        found: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        by_digest: defaultdict[int, list[int]] = defaultdict(list)
        for key in sorted(self.times):
            by_digest[key >> _OBJECT_BITS].append(key & _OBJECT_MASK)
        counts: defaultdict[tuple[int, int], int] = defaultdict(int)
        for digest, numbers in by_digest.items():
            key = digest << _OBJECT_BITS
            for number in numbers:
                if number != numbers[0] and number not in whole:
                    found[number, numbers[0]].append(self.times[key | number])
                    counts[number, numbers[0]] += 1
                if copies := self.copies.get(key | number):
                    found[number, number].append(self.times[key | number])
                    counts[number, number] += copies
        for number, of in whole.items():
            copied = objects[number]
            found[number, of], counts[number, of] = [copied.first, copied.last], copied.lines
        for (number, of), times in sorted(found.items()):
            is_whole = whole.get(number) == of
            lines = counts[number, of] << (0 if is_whole else self.level)
            yield Repeat(number, of, lines, is_whole, min(times), max(times))

    def _add(self, key: int, time: int, copies: int) -> None:
        if key >> _OBJECT_BITS >= 1 << (_DIGEST_BITS - self.level):
            return
        if key in self.times:
            self.copies[key] = self.copies.get(key, 0) + copies + 1
        else:
            self.times[key] = time
            if copies:
                self.copies[key] = copies


def _copies(objects: list[ObjectProfile]) -> Iterator[tuple[int, int]]:
    """Yield the number of each object that holds the same lines as an earlier one, and the number of that one."""
    seen: dict[tuple[int, int, int], int] = {}
    for number, found in enumerate(objects):
        if found.first >= 0:
            of = seen.setdefault((found.lines, found.size_bytes, found.fingerprint), number)
            if of != number:
                yield number, of
