"""Read the state of a Kubernetes Job and the results of its pods."""

from __future__ import annotations

import json
from typing import Any

INDEX = "batch.kubernetes.io/job-completion-index"
#: Log Replay's exit codes, from the best: complete; complete with too many rejects; stopped; wrong usage.
_ORDER = (0, 3, 1, 2)


class JobStatus:
    """The status of a Job. Its *conditions* say how it ended: a count of succeeded pods does not."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._status: dict[str, Any] = job.get("status", {})
        conditions = [
            condition
            for condition in self._status.get("conditions", [])
            if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True"
        ]
        self.final = bool(conditions)
        self.failed = any(condition["type"] == "Failed" for condition in conditions)
        self.reason = "; ".join(
            str(condition.get("message") or condition.get("reason") or condition["type"]) for condition in conditions
        )

    def line(self, parallelism: int) -> str:
        """Return a line about the progress."""
        active, succeeded, failed = (self._status.get(name) or 0 for name in ("active", "succeeded", "failed"))
        return f"{succeeded} of {parallelism} pods complete, {active} active, {failed} failed"


class PodResults:
    """The results of the pods of a Job: the exit code and the summary of the last pod of each index."""

    def __init__(self, pods: dict[str, Any]) -> None:
        last: dict[str, dict[str, Any]] = {}
        for pod in sorted(pods["items"], key=lambda pod: str(pod["metadata"].get("creationTimestamp"))):
            name = pod["metadata"]["name"]
            last[pod["metadata"].get("annotations", {}).get(INDEX, name)] = pod
        in_order = [last[index] for index in sorted(last, key=lambda index: (len(index), index))]
        self._results = {pod["metadata"]["name"]: _terminated(pod) for pod in in_order}

    @property
    def worst_exit_code(self) -> int:
        """The worst exit code: that of Log Replay, or 1 for a pod that ended in another way."""
        codes = {code if code in _ORDER else 1 for code, _ in self._results.values()}
        return max(codes, key=_ORDER.index, default=1)

    @property
    def failed(self) -> dict[str, int]:
        """The exit codes of the pods that failed, by the names of the pods."""
        return {name: code for name, (code, _) in self._results.items() if code}

    @property
    def counters(self) -> dict[str, int]:
        """The counters of the run.

        All pods of a joined run report the counters of the whole run, so they are not added up. A pod that ended early
        saw less of it: the counters are those of the pod that saw most.
        """
        reported = [_counters(message) for _, message in self._results.values()]
        return max(reported, key=lambda counted: sum(counted.values()), default={})


def _terminated(pod: dict[str, Any]) -> tuple[int, str]:
    """Return the exit code of a pod, and its termination message."""
    for status in pod.get("status", {}).get("containerStatuses", []):
        state = status.get("state", {}).get("terminated")
        if state:
            return int(state["exitCode"]), str(state.get("message") or "")
    return 1, ""


def _counters(message: str) -> dict[str, int]:
    """Return the counters in a pod's termination message."""
    try:
        total = json.loads(message)["total"]
        return {name: value for name, value in total.items() if isinstance(value, int) and value}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
