"""Estimates from samples, and their intervals."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.inspect.sampling.estimates import SampleEstimator, Weight

#: The number of blocks in a log, and the number of strata.
BLOCKS, STRATA = 2000, 100


def sampled(counts, seed):
    """Return the estimate of the sum of the counts from one block of each stratum."""
    estimator = SampleEstimator()
    order = random.Random(seed)
    size = len(counts) // STRATA
    for stratum in range(STRATA):
        count = counts[stratum * size + order.randrange(size)]
        estimator.add(Weight(1, size, "plain", stratum), {"figure": count})
    return estimator.estimate("figure")


LOGS = {
    "rare": lambda order: [order.random() < 0.01 for _ in range(BLOCKS)],
    "frequent": lambda order: [order.randrange(50, 150) for _ in range(BLOCKS)],
    "clustered": lambda order: [20 * (order.random() < 0.05) for _ in range(BLOCKS)],
    "daily rhythm": lambda order: [round(10 + 9 * (block % 240 > 120)) for block in range(BLOCKS)],
    "half of the time": lambda order: [order.randrange(3) if block > BLOCKS / 2 else 0 for block in range(BLOCKS)],
    "never": lambda order: [0] * BLOCKS,
}


@pytest.mark.parametrize("name", LOGS)
def test_95_of_100_intervals_contain_the_truth(name):
    found = 0
    for seed in range(200):
        counts = LOGS[name](random.Random(f"{name}/{seed}"))
        estimate = sampled(counts, seed)
        assert estimate.low <= estimate.value <= estimate.high
        found += estimate.low <= sum(counts) <= estimate.high
    assert found >= 190


def test_interval_does_not_collapse_without_any_hit():
    estimate = sampled([0] * BLOCKS, seed=1)
    assert estimate.value == estimate.low == 0
    assert estimate.high == pytest.approx(3.7 * BLOCKS / STRATA, rel=0.1)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30))
def test_blocks_that_represent_themselves_give_exact_figures(counts):
    estimator = SampleEstimator()
    for stratum, count in enumerate(counts):
        weight = Weight(10, 10) if stratum % 2 else Weight(10, 10, "plain", stratum // 2)
        estimator.add(weight, Counter(figure=count))
    assert estimator.estimate("figure") == (sum(counts),) * 3


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1, max_size=30), st.sampled_from(["a", None])
)
def test_estimate_is_at_least_what_was_seen(blocks, frame):
    estimator = SampleEstimator()
    for stratum, (count, factor) in enumerate(blocks):
        estimator.add(Weight(1, factor if frame else 1, frame, stratum), {"figure": count})
    estimate = estimator.estimate("figure")
    assert sum(count for count, _ in blocks) <= estimate.low <= estimate.value <= estimate.high
