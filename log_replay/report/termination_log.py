"""Write the result of a run to the termination log of a pod, which Kubernetes keeps with the state of the pod."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pathlib import Path

    from log_replay.report import Report

#: Kubernetes keeps 4096 bytes of the termination log, and 12 KB for all containers of a pod.
MOST_BYTES = 4000
#: The number of entries of a list, and of characters of a text.
MOST_ENTRIES, MOST_CHARACTERS = 5, 200


def write_termination_log(path: Path, report: Report) -> None:
    """Write the result in one line of JSON, if the file exists: Kubernetes creates it. A failure is not reported."""
    with suppress(OSError):
        if path.is_file():
            path.write_bytes(_short(report))


def _short(report: Report) -> bytes:
    failed = [f"{name}: {error}" for name, error in report.failed_objects.items()]
    result: dict[str, Any] = {
        "run": report.run,
        "complete": report.complete,
        "stopped": _cut(report.stopped),
        "total": report.total.as_dict(dry_run=report.dry_run),
        "rejects_by_reason": dict(report.rejects_by_reason.most_common(MOST_ENTRIES)),
        "failed_objects": len(failed),
        "first_failed": [_cut(text) for text in failed[:MOST_ENTRIES]],
        "backlog": [_cut(text) for text in report.backlog_messages[:MOST_ENTRIES]],
    }
    for name in ("backlog", "first_failed", "rejects_by_reason"):
        if len(orjson.dumps(result)) <= MOST_BYTES:
            break
        del result[name]
    return orjson.dumps(result)


def _cut(text: str | None) -> str | None:
    return text[:MOST_CHARACTERS] if text else text
