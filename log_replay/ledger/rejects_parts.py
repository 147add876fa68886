"""The rejects of a run that several processes have written, in the order of the source."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.models import Run

CHUNK_BYTES = 1 << 20


def read_rejects_of(run: Run) -> Iterator[bytes]:
    """Yield the content of the rejects files of a run, group by group, without what was written and not recorded.

    Refusals of the backlog come last, after them what a process has written that worked on the run alone.

    Raises:
        ConfigurationError: the run has no rejects files, or one of them is not on this machine.
    """
    if not run.identity.get("rejects"):
        raise ConfigurationError(f"the run {run.name!r} has no rejects file", hint="start a run with --rejects PATH")
    groups = run.groups.exclude(rejects_parts=[]).values_list("rejects_parts", flat=True)
    alone = [[run.identity["rejects"], 0, run.rejects_bytes]] if run.rejects_bytes else []
    for path, begin, end in chain(chain.from_iterable(groups.iterator()), run.rejects_parts, alone):
        yield from _read(Path(path), begin, end)


def _read(path: Path, begin: int, end: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(begin)
            while begin < end:
                chunk = file.read(min(CHUNK_BYTES, end - begin))
                if not chunk:
                    raise ConfigurationError("a part of it is gone", operation="read", object=str(path))
                yield chunk
                begin += len(chunk)
    except OSError as error:
        raise ConfigurationError(
            str(error.strerror), operation="read", object=str(path), hint="its name tells the machine that wrote it"
        ) from error
