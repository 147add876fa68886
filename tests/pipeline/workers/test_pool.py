"""Results come in the order of their blocks, and what workers raise comes to their parent."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from log_replay.errors import IdentityError
from log_replay.pipeline.lines import BLOCK_BYTES, MAX_LINE_BYTES
from log_replay.pipeline.workers import WorkerDied, results_in_order
from log_replay.pipeline.workers.worker import BLOCKS_PER_WORKER
from log_replay.records import BlockResult, LineBlock
from tests.support.makers import open_transform
from tests.support.paths import ROOT


def block(text: bytes) -> LineBlock:
    return LineBlock("log", (text,), 0, len(text))


def made(items, folder):
    """Return what two workers make of these: texts for blocks, other items as they are."""
    with closing(results_in_order(items, folder, open_transform, 2)) as results:
        return [_text(item) if isinstance(item, BlockResult) else item for item in results]


def _text(result):
    return b"".join(statement.text for event in result.events for statement in event.statements)


def test_results_and_marks_come_in_the_order_of_their_blocks(tmp_path):
    texts = [b"%d" % number for number in range(6 * BLOCKS_PER_WORKER)]
    items = [item for text in texts for item in ("before", block(text), "after")]
    assert made(items, tmp_path) == [item for text in texts for item in ("before", text, "after")]


def test_a_mark_waits_for_nothing_that_comes_after_it(tmp_path):
    """The run must know of a unit before it reads on."""
    taken = []

    def items():
        yield "mark"
        assert taken == ["mark"]
        yield block(b"1")

    with closing(results_in_order(items(), tmp_path, open_transform, 2)) as results:
        taken.extend(results)


def test_no_more_blocks_are_read_than_workers_may_be_given(tmp_path):
    read = []

    def blocks():
        for number in range(100):
            read.append(number)
            yield block(b"%d" % number)

    with closing(results_in_order(blocks(), tmp_path, open_transform, 2)) as results:
        next(results)
        assert len(read) == 2 * BLOCKS_PER_WORKER + 1


def test_the_largest_blocks_travel_too(tmp_path):
    texts = [b"x" * (MAX_LINE_BYTES + BLOCK_BYTES), b"y", b"z" * MAX_LINE_BYTES] * BLOCKS_PER_WORKER
    assert made(map(block, texts), tmp_path) == texts


def test_what_making_a_result_raises_is_raised_as_it_is(tmp_path):
    with pytest.raises(IdentityError) as raised:
        made([block(b"1"), block(b"raise")], tmp_path)
    assert str(raised.value) == "look up lms at offset 7: gone (wait)"
    assert (raised.value.operation, raised.value.offset) == ("look up", 7)
    assert "makers.py" in raised.value.__notes__[0]


def test_what_opening_a_maker_raises_is_raised_too():
    with pytest.raises(IdentityError, match="nobody is in"):
        made([block(b"1")], None)


def test_an_error_that_cannot_travel_is_raised_by_name(tmp_path):
    with pytest.raises(RuntimeError, match="Obstinate in a worker") as raised:
        made([block(b"obstinate")], tmp_path)
    assert "Obstinate: 1 2" in raised.value.__notes__[0]


def test_every_block_is_made_whichever_workers_die(tmp_path):
    texts = [b"1", b"die a", b"2", b"3", b"die b", b"die c", b"4"] + [b"5"] * 3 * BLOCKS_PER_WORKER
    assert made(map(block, texts), tmp_path) == texts


@pytest.mark.parametrize("deadly", [b"die", b"exit"])
def test_a_block_that_ends_every_worker_is_given_up_alone(tmp_path, deadly):
    results = made([block(b"1"), "mark", block(deadly), "behind it", block(b"2")], tmp_path)
    assert results[:2] + results[-2:] == [b"1", "mark", "behind it", b"2"]
    assert results[2] == b""
    assert isinstance(results[3], WorkerDied)


@contextmanager
def parent_of_workers(text: bytes, folder: Path):
    """Run a process whose two workers are given this; it writes a line for each worker."""
    program = (
        "import multiprocessing, sys, threading, time; from pathlib import Path;"
        "from tests.support.makers import open_transform; from log_replay.records import LineBlock;"
        "from log_replay.pipeline.workers import results_in_order\n"
        "def items():\n"
        "  for child in multiprocessing.active_children(): print(child.pid, flush=True)\n"
        "  for _ in range(2): yield LineBlock('log', (sys.argv[1].encode(),), 0, 1)\n"
        "  time.sleep(60)\n"
        "list(results_in_order(items(), Path(sys.argv[2]), open_transform, 2))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", program, text, folder], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        yield process
        process.kill()


@pytest.mark.parametrize("text", [b"1", b"sleep"])
def test_workers_end_with_a_parent_that_was_killed(tmp_path, text):
    with parent_of_workers(text, tmp_path) as process:
        workers = [int(process.stdout.readline()) for _ in range(2)]
        time.sleep(2)  # they have begun
        os.kill(process.pid, signal.SIGKILL)
        until = time.monotonic() + 5
        while any(Path(f"/proc/{worker}").exists() for worker in workers):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert process.stderr.read() == b""


def test_what_was_shared_is_let_go_of(tmp_path):
    def shared():
        """What this process has open of a pool: its buffers' memory, and its sockets."""
        links = (str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
        return Counter(link.partition(":")[0] for link in links if link.startswith(("/memfd:", "socket:")))

    gc.collect()  # what other tests left behind is not to go in the middle
    before = shared()
    made([block(b"1"), block(b"die a"), block(b"2")], tmp_path)
    assert shared() == before
