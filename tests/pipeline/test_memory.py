"""The settings of the garbage collector and of malloc during a run."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys

import pytest

from log_replay.pipeline.memory import memory_kept


@pytest.fixture
def usual_thresholds():
    """Set those of Python. In this process, a command may have set others."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("usual_thresholds")
def test_collector_has_its_old_settings_after_the_run():
    before = gc.get_threshold(), gc.get_freeze_count()
    with memory_kept():
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

    with memory_kept():
        kept = []
        for _ in range(400_000):
            Ring()
            kept.append([])
            if len(kept) > 1000:
                kept.clear()
    assert Ring.alive < 300_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc returns memory to the kernel that early")
def test_memory_of_a_block_is_mapped_in_once():
    program = """
import resource
from log_replay.pipeline.memory import memory_kept
with memory_kept():
    for number in range(101):
        block, copy = bytearray(b"x") * (1 << 20), bytes(b"y") * (1 << 20)
        del block, copy
        if not number:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    faults = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert int(faults.stdout) < 1000, "more than 2 % of the pages were mapped in again"
