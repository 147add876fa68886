"""The part of the report on time: the speed of the dry run, and the time that a real replay would take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from log_replay.inspect.profile import Profile
    from log_replay.options import Options

#: The numbers of workers for which a time is given.
WORKERS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Measured:
    """The time that a dry run took.

    Attributes:
        wall_seconds: the time from the first line to the last.
        cpu_seconds: the CPU time of this process, without that of its workers.
    """

    wall_seconds: float
    cpu_seconds: float


def duration(
    profile: Profile, options: Options, measured: Measured, *, scale: float = 1.0, events: int | None = None
) -> dict[str, Any]:
    """Return the part as JSON values.

    Args:
        profile: the figures of what was read.
        options: the configuration of the run.
        measured: the time that it took.
        scale: how many times as large the whole log is, if a sample was read.
        events: the number of events with statements in the whole log.
    """
    wall = max(measured.wall_seconds, 1e-6)
    counts = profile.events_by_group.values() if events is None else [events]
    batches = sum(-(-count // options.batch_size) for count in counts)
    sends = options.destination.provider == "LRS"
    pause = options.sleep_between_batches_secs
    pauses = max(0, batches - 1) * pause
    return {
        "measured": {
            "wall_seconds": round(wall, 3),
            "cpu_seconds": round(_transform_and_rest(profile, options, measured)[2], 3),
            "workers": options.workers,
            "lines_per_second": round(profile.counters.lines / wall),
            "bytes_per_second": round(profile.size_bytes / wall),
        },
        "batches": {
            "batch_size_events": options.batch_size,
            "count": batches,
            "pause_seconds": pause,
            "pauses_seconds": round(pauses, 3),
            "lrs_requests": batches if sends else None,
        },
        "replay": [
            {
                "workers": workers,
                "processing_seconds": round(processing, 3),
                "total_seconds": round(max(processing, pauses), 3),
            }
            for workers in sorted({*WORKERS, options.workers})
            for processing in [scale * _processing_seconds(profile, options, measured, workers)]
        ],
        "cores": os.cpu_count() or 1,
    }


def _transform_and_rest(profile: Profile, options: Options, measured: Measured) -> tuple[float, float, float]:
    """Return the CPU time for transforming, that of everything else, and their sum."""
    transform = profile.cpu_seconds
    in_this_process = transform + profile.inspection_cpu_seconds if options.workers == 1 else 0.0
    rest = measured.cpu_seconds - in_this_process
    return transform, max(rest, 0.0), transform + max(rest, 0.0)


def _processing_seconds(profile: Profile, options: Options, measured: Measured, workers: int) -> float:
    """Return the time for reading, transforming and logging with a number of workers, each on its own core.

    The parent process reads, logs and waits for the source while the workers transform. With one worker, it does
    everything itself.
    """
    transform, rest, whole = _transform_and_rest(profile, options, measured)
    waiting = max(0.0, measured.wall_seconds - measured.cpu_seconds) if options.workers == 1 else 0.0
    if workers == 1:
        return whole + waiting
    return max(transform / workers, rest + waiting)
