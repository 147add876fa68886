"""Threads that run at the same time."""

from __future__ import annotations

import threading
import time

import pytest

from log_replay.sinks.lrs.threads import Abandoned, Threads
from tests.support.interrupting import interrupted_after


def test_results_of_concurrent_calls_are_in_order():
    meeting = threading.Barrier(3, timeout=60)

    def call(number):
        meeting.wait()
        time.sleep(0.02 * (3 - number))
        return number

    assert Threads().run([lambda number=number: call(number) for number in range(3)]) == [0, 1, 2]


def test_one_call_runs_in_the_callers_thread():
    assert Threads().run([threading.current_thread]) == [threading.current_thread()]


def test_no_call_returns_no_result():
    assert Threads().run([]) == []


def test_first_error_is_raised_when_all_calls_have_ended():
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
def test_interrupt_ends_all_sleeps(place):
    running = Threads()
    abandoned = threading.Event()

    def sleep():
        try:
            running.sleep(600)
        except Abandoned:
            abandoned.set()
            raise

    calls = [sleep, sleep] if place == 0 else [list, sleep]
    with interrupted_after(0.1), pytest.raises(KeyboardInterrupt):
        running.run(calls)
    assert abandoned.wait(60)
