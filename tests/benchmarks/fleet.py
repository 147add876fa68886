"""Many pods on one run, simulated: the time for 400 GB and 40 TB, and what is busy.

``python -m tests.benchmarks.fleet`` prints the table of the performance page.

Each pod reads a batch from the store, makes its statements, delivers them and acknowledges the batch in the ledger, one
after the other; after a group it claims the next. The store, the destination and the database serve all pods. What was
measured on two cores of an AMD EPYC, with the benchmarks ``replay`` and ``join``: the CPU time of a line and of a
transaction. What a store and a destination sustain is an assumption; change it to yours.
"""

from __future__ import annotations

import heapq
import sys
from dataclasses import dataclass, field

LINE_BYTES = 1250
EVENTS_PER_LINE = 1 / 3
BATCH_EVENTS = 10_000
GROUP_BYTES = 256_000_000
#: Measured: 3.0 us for a line of a plain log, and 1.0 to decompress it.
LINE_SECONDS, TRANSACTION_SECONDS, DATABASE_CORES = 4.0e-6, 330e-6, 2
#: Assumed: bytes a second of the store, and statements a second of a destination.
STORE_BYTES = 5e9
DESTINATIONS = {"files": None, "ClickHouse": 500_000.0, "LRS": 5_000.0}
PODS = (1, 8, 64, 512)
SIZES = {"400 GB": 400e9, "40 TB": 40e12}
#: Groups that are simulated at most; the rest takes as long in proportion.
MOST_GROUPS = 20_000


@dataclass
class Resource:
    """Something that serves one request at a time on each of its servers, in the order of arrival."""

    servers: int = 1
    busy_seconds: float = 0.0
    free: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.free = [0.0] * self.servers

    def serve(self, now: float, seconds: float) -> float:
        """Return the time at which a request is served."""
        end = max(now, heapq.heappop(self.free)) + seconds
        heapq.heappush(self.free, end)
        self.busy_seconds += seconds
        return end


def simulate(pods: int, size_bytes: float, statements_per_second: float | None) -> tuple[float, dict[str, float]]:
    """Return the time that a run takes, and the share of it that each resource is busy."""
    store, database, destination = Resource(), Resource(DATABASE_CORES), Resource()
    lines = BATCH_EVENTS / EVENTS_PER_LINE
    batch_bytes = lines * LINE_BYTES
    batches = round(GROUP_BYTES / batch_bytes)
    all_groups = max(1, round(size_bytes / GROUP_BYTES))
    groups = waiting = min(all_groups, MOST_GROUPS)
    # What a pod does for a batch, in order: with a resource, or alone.
    steps = [(store, batch_bytes / STORE_BYTES), (None, lines * LINE_SECONDS)]
    if statements_per_second:
        steps.append((destination, BATCH_EVENTS / statements_per_second))
    steps.append((database, TRANSACTION_SECONDS))
    # Each entry: the time, the pod, the number of its next step, and the number of batches that are left of its group.
    # A request is made when its time has come, so that a resource serves requests in the order of their arrival.
    ready = [(0.0, pod, 0, 0) for pod in range(pods)]
    end = 0.0
    while ready:
        now, pod, step, left = heapq.heappop(ready)
        if step == 0 and not left:
            if waiting:
                waiting -= 1
                heapq.heappush(ready, (database.serve(now, TRANSACTION_SECONDS), pod, 0, batches))
            end = max(end, now)
            continue
        resource, seconds = steps[step]
        now = resource.serve(now, seconds) if resource else now + seconds
        step = (step + 1) % len(steps)
        heapq.heappush(ready, (now, pod, step, left - (step == 0)))
    resources = {"store": store, "database": database, "destination": destination}
    busy = {name: resource.busy_seconds / resource.servers / end for name, resource in resources.items()}
    return end * all_groups / groups, busy


def duration(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} h" if hours >= 1 else f"{seconds / 60:.0f} min"


def main() -> None:
    sys.stdout.write("| logs | destination | pods | time | store busy | database busy | destination busy |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|\n")
    for size, size_bytes in SIZES.items():
        for name, rate in DESTINATIONS.items():
            for pods in PODS:
                seconds, busy = simulate(pods, size_bytes, rate)
                shares = " | ".join(f"{share:.0%}" for share in busy.values())
                sys.stdout.write(f"| {size} | {name} | {pods} | {duration(seconds)} | {shares} |\n")


if __name__ == "__main__":
    main()
