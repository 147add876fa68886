"""Python's collector runs seldom during a run, and as before after it."""

from __future__ import annotations

import gc

from log_replay.collector import seldom_collected


def test_afterwards_the_collector_is_as_it_was():
    before = gc.get_threshold(), gc.get_freeze_count()
    with seldom_collected():
        during = gc.get_threshold(), gc.get_freeze_count()
    assert during[0][0] > before[0][0]
    assert during[1] > before[1]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_cycles_are_still_collected():
    class Ring:
        alive = 0

        def __init__(self):
            self.itself = self
            Ring.alive += 1

        def __del__(self):
            Ring.alive -= 1

    with seldom_collected():
        kept = []
        for _ in range(400_000):
            Ring()
            kept.append([])
            if len(kept) > 1000:
                kept.clear()
    assert Ring.alive < 300_000
