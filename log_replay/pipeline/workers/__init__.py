"""Worker processes that transform blocks of lines in parallel and give the results back in order."""

from log_replay.pipeline.workers.pool import Mark, WorkerDied, results_in_order

__all__ = ["Mark", "WorkerDied", "results_in_order"]
