"""The pool returns results in the order of the blocks, whichever workers die, and raises their errors."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from log_replay.errors import ConfigurationError, IdentityError
from log_replay.pipeline.lines import BLOCK_BYTES, MAX_LINE_BYTES
from log_replay.pipeline.workers import SOURCE_IS_SLOW, WorkerDied, results_in_order
from log_replay.pipeline.workers.pool import BUNDLE_BLOCKS, BUNDLE_BYTES, WorkersUnavailable, usable_workers
from log_replay.pipeline.workers.worker import BUNDLES_PER_WORKER
from log_replay.records import BlockResult, LineBlock
from tests.support.paths import ROOT
from tests.support.scenes import wait_for
from tests.support.scripted_transform import open_transform


def block(text: bytes) -> LineBlock:
    return LineBlock("log", (text,), 0, len(text))


def results_of(items, folder):
    """Return the results of two workers: a text for each block, other items as they are."""
    with closing(results_in_order(items, folder, open_transform, 2)) as results:
        return [_text(item) if isinstance(item, BlockResult) else item for item in results]


def _text(result):
    return b"".join(statement.text for event in result.events for statement in event.statements)


def test_results_and_marks_keep_their_order(tmp_path):
    texts = [b"%d" % number for number in range(6 * BUNDLES_PER_WORKER)]
    items = [item for text in texts for item in ("before", block(text), "after")]
    assert results_of(items, tmp_path) == [item for text in texts for item in ("before", text, "after")]


def test_mark_is_yielded_before_later_items_are_read(tmp_path):
    """A run must begin a unit before it reads the blocks of the unit."""
    yielded = []

    def items():
        yield "mark"
        assert yielded == ["mark"]
        yield block(b"1")

    with closing(results_in_order(items(), tmp_path, open_transform, 2)) as results:
        yielded.extend(results)


@pytest.mark.parametrize("size", [1, BUNDLE_BYTES])
def test_blocks_are_read_only_as_far_ahead_as_workers_hold(tmp_path, size):
    read = []

    def blocks():
        for number in range(1000):
            read.append(number)
            yield block(b"x" * size)

    with closing(results_in_order(blocks(), tmp_path, open_transform, 2)) as results:
        next(results)
        assert len(read) <= (2 * BUNDLES_PER_WORKER + 1) * (BUNDLE_BLOCKS if size == 1 else 1)


def test_slow_source_gets_the_results_of_all_its_blocks(tmp_path):
    """Standard input can give a line a second."""
    shown = []

    def items():
        for number in range(5):
            yield block(b"%d" % number)
            yield "mark"
            yield SOURCE_IS_SLOW
            assert shown[-2:] == [b"%d" % number, "mark"]

    with closing(results_in_order(items(), tmp_path, open_transform, 2)) as results:
        shown.extend(_text(item) if isinstance(item, BlockResult) else item for item in results)
    assert len(shown) == 10


def test_deadly_block_in_a_bundle_is_skipped_alone(tmp_path):
    texts = [b"1", b"die", b"2", b"die a", b"3"]
    items = [item for text in texts for item in (block(text), text)]
    results = results_of(items, tmp_path)
    assert [result for result in results if not isinstance(result, WorkerDied)] == [
        b"1", b"1", b"die", b"2", b"2", b"die a", b"die a", b"3", b"3",
    ]  # fmt: skip
    assert [type(result) for result in results].index(WorkerDied) == 2


def test_blocks_of_any_size_reach_a_worker(tmp_path):
    texts = [b"x" * (MAX_LINE_BYTES + BLOCK_BYTES), b"y", b"z" * MAX_LINE_BYTES] * BUNDLES_PER_WORKER
    assert results_of(map(block, texts), tmp_path) == texts


def test_error_of_a_transform_is_raised_unchanged(tmp_path):
    with pytest.raises(IdentityError) as raised:
        results_of([block(b"1"), block(b"raise")], tmp_path)
    assert str(raised.value) == "look up lms at offset 7: gone (wait)"
    assert (raised.value.operation, raised.value.offset) == ("look up", 7)
    assert "scripted_transform.py" in raised.value.__notes__[0]


def test_error_of_opening_a_transform_is_raised():
    with pytest.raises(IdentityError, match="no such folder"):
        results_of([block(b"1")], None)


def test_error_that_cannot_be_pickled_is_raised_by_name(tmp_path):
    with pytest.raises(RuntimeError, match="Unpicklable in a worker") as raised:
        results_of([block(b"unpicklable")], tmp_path)
    assert "Unpicklable: 1 2" in raised.value.__notes__[0]


def test_every_block_has_a_result_although_workers_die(tmp_path):
    texts = [b"1", b"die a", b"2", b"3", b"die b", b"die c", b"4"] + [b"5"] * 3 * BUNDLES_PER_WORKER
    assert results_of(map(block, texts), tmp_path) == texts


@pytest.mark.parametrize("deadly", [b"die", b"exit"])
def test_only_the_block_that_ends_every_worker_fails(tmp_path, deadly):
    results = results_of([block(b"1"), "mark", block(deadly), "after it", block(b"2")], tmp_path)
    assert results[:2] + results[-2:] == [b"1", "mark", "after it", b"2"]
    (died,) = results[2:-2]
    assert isinstance(died, WorkerDied)
    assert (died.begin, died.end, died.lines) == (0, len(deadly), [0])


def test_block_that_ends_a_worker_is_repeated_in_smaller_blocks(tmp_path):
    """Only the lines of the smaller block that ends its worker again are skipped."""
    lines = [b"%03d\n" % number for number in range(100)]
    lines[50] = b"poison\n"
    results = results_of([block(b"".join(lines))], tmp_path)
    (place,) = [place for place, result in enumerate(results) if isinstance(result, WorkerDied)]
    skipped = results.pop(place)
    assert 0 < len(skipped.lines) < 20
    assert len(b"".join(lines[:50])) in skipped.lines
    text = b"".join(lines)
    assert b"".join(results) == (text[: skipped.begin] + text[skipped.end :]).replace(b"\n", b"")


def test_block_for_which_memory_is_too_small_is_repeated(tmp_path):
    assert results_of([block(b"memory a"), block(b"2")], tmp_path) == [b"memory a", b"2"]


def test_workers_that_die_while_they_start_stop_the_run(tmp_path):
    """For example because the machine has too little memory for them."""
    (tmp_path / "kill-at-start").touch()
    with pytest.raises(WorkersUnavailable, match=r"ended while it started \(killed by SIGKILL\)") as caught:
        results_of([block(b"1")], tmp_path)
    assert "fewer --workers" in str(caught.value)


def test_too_few_file_descriptors_for_workers_are_a_usage_error(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 12, limits[1]))
    try:
        with pytest.raises(ConfigurationError, match=r"start workers: Too many open files \(use fewer --workers\)"):
            results_of([block(b"1")], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_number_of_workers_is_limited_by_the_cores():
    most = max(8, 4 * (os.cpu_count() or 1))
    assert [usable_workers(given) for given in (1, most, most + 1, 1000)] == [1, most, most, most]


@contextmanager
def parent_of_workers(text: bytes, folder: Path):
    """Run a process that sends a text to its two workers. It prints the process id of each worker."""
    program = (
        "import multiprocessing, sys, threading, time; from pathlib import Path;"
        "from tests.support.scripted_transform import open_transform; from log_replay.records import LineBlock;"
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
def test_workers_end_when_their_parent_is_killed(tmp_path, text):
    with parent_of_workers(text, tmp_path) as process:
        workers = [int(process.stdout.readline()) for _ in range(2)]
        time.sleep(2)  # time for the workers to begin with the text; the test holds without it
        os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
        assert process.stderr.read() == b""


def test_workers_ignore_ctrl_c_from_their_first_moment(tmp_path, capfd):
    """A terminal sends SIGINT to the workers, too. Only the parent handles it."""

    def interrupted():
        for worker in multiprocessing.active_children():
            os.kill(worker.pid, signal.SIGINT)
        yield block(b"1")

    assert results_of(interrupted(), tmp_path) == [b"1"]
    assert capfd.readouterr().err == ""


def test_ctrl_c_while_workers_start_reaches_their_parent(tmp_path, monkeypatch):
    start = multiprocessing.process.BaseProcess.start

    def start_and_interrupt(process):
        start(process)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        results_of([block(b"1")], tmp_path)


#: Prints how many buffers and sockets the process has open before and after its workers run.
COUNT_OPEN_FILES = """
import sys
from collections import Counter
from pathlib import Path
from log_replay.pipeline.workers import results_in_order
from log_replay.records import LineBlock
from tests.support.scripted_transform import open_transform

def open_files():
    links = (str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return Counter(link.partition(":")[0] for link in links if link.startswith(("/memfd:", "socket:")))

before = open_files()
items = [LineBlock("log", (text,), 0, len(text)) for text in (b"1", b"die a", b"2")]
for _ in results_in_order(items, Path(sys.argv[1]), open_transform, 2):
    during = open_files()
print(during - before, open_files() - before)
"""


def test_pool_closes_its_buffers_and_sockets(tmp_path):
    """In a process of its own, whose files no other test opens or closes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", COUNT_OPEN_FILES, str(tmp_path)]
    printed = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
    during, after = printed.strip().split("Counter")[1:]
    assert "memfd" in during
    assert after == "()"
