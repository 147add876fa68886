from __future__ import annotations

import threading
import time

import pytest

from log_replay.sinks.lrs.threads import Abandoned, Threads
from tests.support.interrupting import interrupted_after


def test_calls_run_at_the_same_time_and_come_back_in_order():
    meeting = threading.Barrier(3, timeout=10)

    def call(number):
        meeting.wait()
        time.sleep(0.02 * (3 - number))
        return number

    assert Threads().run([lambda number=number: call(number) for number in range(3)]) == [0, 1, 2]


def test_one_call_needs_no_thread():
    assert Threads().run([threading.current_thread]) == [threading.current_thread()]


def test_no_call_gives_nothing():
    assert Threads().run([]) == []


def test_what_the_first_raises_is_raised_when_all_have_ended():
    ended = []

    def fail(message):
        raise ValueError(message)

    def last():
        time.sleep(0.05)
        ended.append(True)

    with pytest.raises(ValueError, match="second"):
        Threads().run([list, lambda: fail("second"), lambda: fail("third"), last])
    assert ended


@pytest.mark.parametrize("place", [0, 1], ids=["in this thread", "in another"])
def test_an_interrupt_wakes_all_that_rest(place):
    lanes = Threads()
    abandoned = threading.Event()

    def rest():
        try:
            lanes.sleep(30)
        except Abandoned:
            abandoned.set()
            raise

    calls = [rest, rest] if place == 0 else [list, rest]
    with interrupted_after(0.1), pytest.raises(KeyboardInterrupt):
        lanes.run(calls)
    assert abandoned.wait(5)
