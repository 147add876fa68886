"""External ids of users, read in ranges of user ids: for logs with more users than the cache of users can hold."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: The users of a range: 2 to this power. To read a range takes 2 ms, as long as to look up 150 users.
RANGE_BITS = 12
#: A range is read once this number of its users was looked up one by one.
USERS_BEFORE_READ = 32
#: The maximum number of ranges in memory: half a million users in 17 MB.
MAX_RANGES = 128
#: The maximum number of queries for one block.
MAX_READS = 8
#: When the memory is full, the older half of the ranges is forgotten, at most once in so many blocks.
BLOCKS_BETWEEN_FORGETTING = 1000
#: The maximum number of ranges with a count of users.
MAX_COUNTS = 100_000
#: Longer numbers are no ids.
MAX_DIGITS = 18
#: The number of hexadecimal digits of a UUID.
UUID_DIGITS = 32
ABSENT = "\0" * UUID_DIGITS
USERS = 1 << RANGE_BITS


def uuid_text(text: str) -> str:
    """Return a UUID as ``str`` writes it. Databases without a type for UUIDs store their digits only."""
    digits = text.replace("-", "").lower()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class ExternalIdRanges:
    """External ids by user id, in bounded memory: 33 bytes a user instead of 500.

    Args:
        read: returns the users in a range that have an external id, with the text of the UUID, or its digits.
    """

    def __init__(self, read: Callable[[range], Iterable[tuple[int, str]]]) -> None:
        self._read = read
        #: The digits of the external ids in memory, by number of the range. C code reads them too: see
        #: ``_speedups/lines.c``.
        self.digits: dict[int, bytes] = {}
        self._counts: dict[int, int] = {}
        self._blocks = 0

    def find(self, user: Any) -> str:
        """Return the external id of a user; empty if it is not in memory. Any value may be asked for."""
        number = _user_id(user)
        of_range = self.digits.get(number >> RANGE_BITS)
        if of_range is None:
            return ""
        start = number % USERS * UUID_DIGITS
        digits = of_range[start : start + UUID_DIGITS].decode()
        return "" if digits == ABSENT else uuid_text(digits)

    def count(self, users: Iterable[Any]) -> None:
        """Count users that are about to be looked up, and read ranges that have many of them."""
        wanted = {}
        for user_id in map(_user_id, users):
            if user_id > 0:
                number = user_id >> RANGE_BITS
                count = self._counts[number] = self._counts.get(number, 0) + 1
                if count >= USERS_BEFORE_READ and number not in self.digits:
                    wanted[number] = True
        for number in islice(wanted, MAX_READS):
            if len(self.digits) < MAX_RANGES:
                self.digits[number] = self._read_digits(number)

    def forget_oldest(self) -> None:
        """Delete the older half of the ranges if the memory is full. Call it once for each block."""
        self._blocks += 1
        if len(self._counts) > MAX_COUNTS:
            self._counts.clear()
        if len(self.digits) >= MAX_RANGES and self._blocks >= BLOCKS_BETWEEN_FORGETTING:
            self._blocks = 0
            for number in list(self.digits)[: MAX_RANGES // 2]:
                del self.digits[number]
                self._counts.pop(number, None)

    def _read_digits(self, number: int) -> bytes:
        first = number << RANGE_BITS
        texts = [ABSENT] * USERS
        for user_id, text in self._read(range(first, first + USERS)):
            texts[user_id - first] = text
        digits = "".join(texts).replace("-", "").lower().encode()
        # If a text is no UUID, the users of the range are looked up one by one.
        return digits if len(digits) == USERS * UUID_DIGITS else bytes(USERS * UUID_DIGITS)


def _user_id(user: Any) -> int:
    """Return the id of a user whom an event names by a number or its digits; -1 for other values."""
    if type(user) is int:
        return user
    is_number = type(user) is str and user.isdigit() and user.isascii() and len(user) <= MAX_DIGITS
    return int(user) if is_number else -1
