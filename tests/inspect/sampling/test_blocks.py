"""The choice of the blocks of a sample."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.inspect.sampling.blocks import COMPRESSED, plan_sample
from log_replay.records import SourceObject

SIZES = st.one_of(st.integers(1, 3 * 10**5), st.integers(1, 10**9))


@st.composite
def listings(draw):
    """Return objects with sizes, the names of the compressed ones, and the size of the sample."""
    sizes = draw(st.lists(SIZES, min_size=1, max_size=40))
    objects = [SourceObject(f"tracking.log-{number:04}", size) for number, size in enumerate(sizes)]
    compressed = {found.name for found in objects if draw(st.booleans())}
    return objects, compressed, draw(st.integers(1, max(sum(sizes), 2)))


def planned(listing, seed=0):
    objects, compressed, sample_bytes = listing
    return plan_sample(objects, sample_bytes, lambda found: found.name in compressed, seed)


@given(listings())
def test_the_blocks_together_represent_every_stored_byte(listing):
    plan = planned(listing)
    assert sum(block.weight.represented_bytes for block in plan.blocks) == sum(obj.size_bytes for obj in listing[0])
    assert all(block.weight.factor >= 1 for block in plan.blocks)


@given(listings())
def test_blocks_follow_the_order_of_the_log_and_do_not_overlap(listing):
    plan = planned(listing)
    assert [block.unit.number for block in plan.blocks] == list(range(len(plan.blocks)))
    ends, names = defaultdict(int), []
    for block in plan.blocks:
        name, size = block.unit.object.name, block.unit.object.size_bytes
        if block.stored_bytes is None:
            assert ends[name] <= block.unit.start < block.unit.end <= size
            ends[name] = block.unit.end
        else:
            assert (block.unit.start, block.unit.end) == (0, None)
            assert 0 < block.stored_bytes <= size
        names.append(name)
    assert names == sorted(names)


@given(listings())
def test_strata_of_a_frame_are_numbered_in_their_order(listing):
    strata = defaultdict(list)
    for block in planned(listing).blocks:
        strata[block.weight.frame].append(block.weight.stratum)
    strata.pop(None, None)
    assert all(numbers == list(range(len(numbers))) for numbers in strata.values())


@given(listings(), st.integers(0, 3))
def test_the_same_seed_chooses_the_same_blocks(listing, seed):
    assert planned(listing, seed) == planned(listing, seed)


def test_first_and_last_block_of_each_object_are_read():
    objects = [SourceObject(f"tracking.log-{number:03}", 10**9) for number in range(100)]
    plan = plan_sample(objects, 512 << 20, lambda _: False)
    ranges = defaultdict(list)
    for block in plan.blocks:
        ranges[block.unit.object.name].append((block.unit.start, block.unit.end))
    assert len(ranges) == 100
    assert all(found[0][0] == 0 and found[-1][1] == 10**9 for found in ranges.values())
    assert sum(block.weight.read_bytes for block in plan.blocks) == pytest.approx(512 << 20, rel=0.01)


def test_many_small_objects_are_sampled_too():
    objects = [SourceObject(f"{number:06}.log", 200_000 + number) for number in range(50_000)]
    plan = plan_sample(objects, 64 << 20, lambda _: False)
    assert sum(block.weight.read_bytes for block in plan.blocks) == pytest.approx(64 << 20, rel=0.2)


@pytest.mark.parametrize("count", [20, 30_000])
def test_the_beginnings_of_compressed_objects_are_read(count):
    objects = [SourceObject(f"{number:06}.log.gz", 10**7 + number) for number in range(count)]
    plan = plan_sample(objects, 512 << 20, lambda _: True)
    assert all(block.weight.frame == COMPRESSED for block in plan.blocks)
    assert sum(block.stored_bytes for block in plan.blocks) == pytest.approx((512 << 20) / 10, rel=0.1)
    assert len(plan.blocks) == pytest.approx(min(count, 400), rel=0.1)
