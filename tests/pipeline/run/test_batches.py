"""Batches depend on the plan alone: they end with their group, for any number of workers, and after a stop."""

from __future__ import annotations

import gzip
import json
import secrets
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from log_replay.pipeline.plan.listing import plan_run
from log_replay.pipeline.run import Replay
from log_replay.records import ALL_ROUTES, Delivery, Unit, statement_count
from log_replay.report.progress import ProgressLog
from log_replay.sources import open_source
from tests.support.ledger_runs import parsed

PLAIN = ["--log_to", "null", "--add_external_ids", "no", "--sleep_between_batches_secs", "0"]
SETTINGS = examples(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


class Batches:
    """A destination that keeps the positions of each batch, and stops the run before one of them.

    Args:
        stop_at: the number of the batch that is not delivered, or None.
    """

    routing = None

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.batches = []

    def check(self) -> None: ...
    def resume_from(self, acknowledgements) -> None: ...
    def close(self, *, complete) -> None: ...

    def deliver(self, batch):
        if len(self.batches) == self.stop_at:
            raise KeyboardInterrupt
        self.batches.append([event.position for event in batch])
        assert all(event.routes is ALL_ROUTES for event in batch)
        return Delivery(delivered=statement_count(batch))


@pytest.fixture
def run(source, sample_identities):
    def run(*arguments: str, stop_at: int | None = None):
        sink = Batches(stop_at)
        Replay(parsed(*source, *PLAIN, *arguments), sink).replay(ProgressLog())
        return sink.batches

    return run


@pytest.fixture
def write_logs(logs, sample_log):
    """Return a function that writes the log as several objects, some of them compressed."""
    lines = sample_log.splitlines(keepends=True)

    def write(cuts: list[int], compressed: int) -> None:
        for path in logs.iterdir():
            path.unlink()
        for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(lines)], strict=True)):
            content = b"".join(lines[begin:end])
            is_compressed = bool(compressed >> number & 1)
            (logs / f"{number:02}.log").write_bytes(gzip.compress(content, 1) if is_compressed else content)

    return write


def planned(source, arguments, positions, batch_size: int):
    """Return the batches that the plan asks for."""
    options = parsed(*source, *arguments)
    place = open_source(options.source.provider, options.source.config)
    units = [unit for unit in plan_run(place, options, ProgressLog()) if isinstance(unit, Unit)]

    def group(position) -> int:
        return next(
            unit.group
            for unit in units
            if unit.object.name == position.object and (unit.end is None or position.offset < unit.end)
        )

    events = [list(members) for _, members in groupby(positions, key=group)]
    return [members[at : at + batch_size] for members in events for at in range(0, len(members), batch_size)]


@SETTINGS
@given(
    cuts=st.lists(st.integers(1, 360), unique=True, max_size=6).map(sorted),
    compressed=st.integers(0, 127),
    unit_size=st.sampled_from([2_000, 20_000, 60_000, 200_000, 10**8]),
    batch_size=st.sampled_from([17, 60, 10_000]),
    stop_at=st.integers(0, 8),
)
def test_batches_are_those_of_the_plan(run, source, write_logs, cuts, compressed, unit_size, batch_size, stop_at):
    write_logs(cuts, compressed)
    sizes = ["--unit_size", str(unit_size), "--batch_size", str(batch_size)]
    batches = run(*sizes)
    positions = [position for batch in batches for position in batch]
    assert positions == sorted(positions)
    assert batches == planned(source, sizes, positions, batch_size)
    named = [*sizes, "--run", secrets.token_hex(8)]
    assert run(*named, stop_at=stop_at) + run(*named) == batches


@pytest.mark.parametrize("unit_size", ["20KB", "1MB"])
def test_files_do_not_depend_on_the_number_of_workers(write_logs, shell, source, tmp_path, unit_size):
    write_logs([20, 21, 100, 180], 0b10110)
    made = []
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        out.mkdir()
        place = json.dumps({"key": str(tmp_path), "container": out.name})
        done = shell(
            "replay", *source, "--transformer_type", "xapi", "--add_external_ids", "no", "--batch_size", "30",
            "--destination_provider", "LOCAL", "--destination_config", place,
            "--unit_size", unit_size, "--workers", str(workers),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        made.append({path.name: path.read_bytes() for path in out.glob("xapi_*")})
    assert made[0] == made[1]
    assert len(made[0]) > 10
