"""Reading the blocks of a sample, from real folders and from a simulated store."""

import gzip
import hashlib
import json
from collections import Counter
from contextlib import closing

import pytest

from log_replay.errors import ReadError
from log_replay.inspect.sampling import source as sampled_source
from log_replay.inspect.sampling.blocks import plan_sample
from log_replay.inspect.sampling.estimates import SampleEstimator
from log_replay.inspect.sampling.source import SampledSource
from log_replay.pipeline.plan.units import read_unit
from log_replay.records import lines_of
from log_replay.sources import open_source
from tests.support.simulated_store import SimulatedStore

LINE = b'{"number": %07d, "text": "%s"}\n'


def numbered_lines(count, start=0):
    texts = (hashlib.shake_128(b"%d" % number).hexdigest(number * 7919 % 450) for number in range(start, start + count))
    return [LINE % (number, text.encode()) for number, text in enumerate(texts, start)]


@pytest.fixture
def folder(tmp_path):
    """A folder with plain and compressed logs, whose lines are numbered."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.log").write_bytes(b"".join(numbered_lines(3000)))
    (logs / "b.log.gz").write_bytes(gzip.compress(b"".join(numbered_lines(9000, 3000)), 1))
    (logs / "c.log").write_bytes(b"".join(numbered_lines(1000, 12_000)).rstrip(b"\n"))
    (logs / "d.log").write_bytes(b"x" * 400_000 + b"\n" + b"".join(numbered_lines(50, 13_000)))
    return logs


def open_local(folder):
    return lambda: open_source("LOCAL", {"key": str(folder.parent), "container": folder.name})


def sampled_lines(open_source, sample_bytes, seed=0):
    """Yield each block of a sample with its lines, and the share of its bytes that was cut off."""
    with SampledSource(open_source) as source:
        objects = list(source.objects())
        compressed = source.compressed(objects)
        plan = plan_sample(objects, sample_bytes, lambda found: found.name in compressed, seed)
        source.begin(plan)
        for block in plan.blocks:
            with closing(read_unit(source, block.unit)) as found:
                lines = [line for lines in found for line, _ in lines_of(lines)]
            yield block, lines, source.cut_off.get(block.unit.number, 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_blocks_have_whole_lines(folder, seed):
    known = {line.rstrip(b"\n") for line in numbered_lines(13_050)} | {b"x" * 400_000}
    found = [line for _, lines, _ in sampled_lines(open_local(folder), 600_000, seed) for line in lines]
    assert set(found) <= known
    assert max(Counter(found).values()) == 1
    assert 200_000 < sum(map(len, found)) < 2_000_000


def test_a_sample_of_everything_has_each_line_once(folder):
    found = [line for _, lines, _ in sampled_lines(open_local(folder), 10**9) for line in lines]
    assert sorted(found) == sorted([*(line.rstrip(b"\n") for line in numbered_lines(13_050)), b"x" * 400_000])


def test_the_number_of_lines_is_estimated_with_its_interval(folder):
    found = 0
    for seed in range(20):
        estimator = SampleEstimator()
        for block, lines, cut_off in sampled_lines(open_local(folder), 500_000, seed):
            estimator.add(block.weight.without(cut_off), {"lines": len(lines)})
        estimate = estimator.estimate("lines")
        found += estimate.low <= 13_051 <= estimate.high
    assert found >= 19


def test_an_s3_server_gives_the_same_sample_as_a_folder(folder, bucket):
    for path in sorted(folder.iterdir()):
        bucket.put(path.name, path.read_bytes())
    local = [lines for _, lines, _ in sampled_lines(open_local(folder), 600_000)]
    assert [lines for _, lines, _ in sampled_lines(bucket.source, 600_000)] == local
    assert sum(map(len, local)) > 100


def test_deleted_object_fails_alone(folder):
    with SampledSource(open_local(folder)) as source:
        objects = list(source.objects())
        plan = plan_sample(objects, 600_000, lambda found: found.name.endswith(".gz"))
        (folder / "b.log.gz").unlink()
        source.begin(plan)
        failed, lines = set(), 0
        for block in plan.blocks:
            try:
                lines += sum(1 for lines in read_unit(source, block.unit) for _ in lines_of(lines))
            except ReadError as error:
                failed.add(error.object)
    assert lines > 50
    assert failed == {"b.log.gz"}


def test_the_middle_of_compressed_objects_is_not_read_as_text(folder, monkeypatch):
    monkeypatch.setattr(sampled_source, "CHECKED_OBJECTS", 1)
    (folder / "b.log.gz").rename(folder / "b.log")
    found = []
    with pytest.raises(ReadError, match="its name does not say so"):
        found.extend(line for _, lines, _ in sampled_lines(open_local(folder), 600_000) for line in lines)
    assert all(line.startswith((b"{", b"xxx")) for line in found)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_400_gb_need_few_requests_and_bytes(compressed):
    store = SimulatedStore(total_bytes=400 * 10**9, objects=400, compressed=compressed)
    estimator = SampleEstimator()
    for block, lines, cut_off in sampled_lines(lambda: store, 512 << 20):
        assert json.loads(lines[0])
        estimator.add(block.weight.without(cut_off), {"lines": len(lines)})
    assert store.requests < 2500
    assert store.read_bytes < 700 << 20
    estimate = estimator.estimate("lines")
    assert estimate.low <= store.lines <= estimate.high
    assert estimate.high - estimate.low < 0.1 * store.lines
