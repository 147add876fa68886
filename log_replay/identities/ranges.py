"""External ids of users, read in ranges of user ids: for logs with more users than the cache of users can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: The users of a range: 2 to this power. To read a range takes 1.4 ms, as long as to look up 100 users.
RANGE_BITS = 10
#: A range is read once this number of its users was looked up one by one.
USERS_BEFORE_READ = 8
#: The maximum number of ranges in memory: half a million users in 19 MB.
MAX_RANGES = 512
#: The maximum number of queries for one block.
MAX_READS = 32
#: When the memory is full, the older half of the ranges is forgotten, at most once in so many blocks.
BLOCKS_BETWEEN_FORGETTING = 1000
#: The maximum number of ranges with a count of users.
MAX_COUNTS = 100_000
TEXT_LENGTH = 36
ABSENT = b"\0" * TEXT_LENGTH
IN_RANGE = (1 << RANGE_BITS) - 1


class ExternalIdRanges:
    """External ids by user id, in bounded memory: 37 bytes a user instead of 500.

    Args:
        read: returns the users in a range that have an external id, with the id as text.
    """

    def __init__(self, read: Callable[[range], Iterable[tuple[int, str]]]) -> None:
        self._read = read
        #: The external ids in memory, by number of the range. C code reads them too: see ``_speedups/lines.c``.
        self.texts: dict[int, bytes] = {}
        self._counts: dict[int, int] = {}
        self._blocks = 0

    def find(self, user_id: Any) -> str:
        """Return the external id of a user; empty if it is not in memory. Any value may be asked for."""
        if type(user_id) is not int:
            return ""
        texts = self.texts.get(user_id >> RANGE_BITS)
        if texts is None:
            return ""
        start = (user_id & IN_RANGE) * TEXT_LENGTH
        text = texts[start : start + TEXT_LENGTH]
        return "" if text == ABSENT else text.decode()

    def count(self, user_ids: Iterable[Any]) -> None:
        """Count users that are about to be looked up, and read ranges that have many of them."""
        wanted = []
        for user_id in user_ids:
            if type(user_id) is int and user_id > 0:
                number = user_id >> RANGE_BITS
                users = self._counts[number] = self._counts.get(number, 0) + 1
                if users >= USERS_BEFORE_READ and number not in self.texts:
                    wanted.append(number)
        for number in dict.fromkeys(wanted[:MAX_READS]):
            if len(self.texts) < MAX_RANGES:
                self.texts[number] = self._texts(number)

    def forget_oldest(self) -> None:
        """Delete the older half of the ranges if the memory is full. Call it once for each block."""
        self._blocks += 1
        if len(self._counts) > MAX_COUNTS:
            self._counts.clear()
        if len(self.texts) >= MAX_RANGES and self._blocks >= BLOCKS_BETWEEN_FORGETTING:
            self._blocks = 0
            for number in list(self.texts)[: MAX_RANGES // 2]:
                del self.texts[number]
                self._counts.pop(number, None)

    def _texts(self, number: int) -> bytes:
        first = number << RANGE_BITS
        texts = [ABSENT] * (IN_RANGE + 1)
        for user_id, external_id in self._read(range(first, first + IN_RANGE + 1)):
            texts[user_id - first] = external_id.encode()
        return b"".join(texts)
