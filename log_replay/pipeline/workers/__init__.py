"""Worker processes that transform blocks of lines in parallel and give the results back in order."""

from log_replay.pipeline.workers.results import SOURCE_IS_SLOW, Mark, WorkerDied, results_in_order

__all__ = ["SOURCE_IS_SLOW", "Mark", "WorkerDied", "results_in_order"]
