"""The ledger records the progress of a run after each acknowledged batch, so that the run can be resumed.

The plan of a run is stored once. Everything about a batch is recorded in one transaction. So at any moment the ledger
says of each line that its statements were acknowledged, or that the line is still to be replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from log_replay.ledger.splitting import rest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from log_replay.errors import LogReplayError
    from log_replay.ledger.splitting import SkippedLines
    from log_replay.records import BacklogEntry, Delivery, SkippedObject, TransformedEvent, Unit
    from log_replay.report import Report


class Ledger:
    """The ledger of one run. It is a context manager: one process at a time works on a run.

    This base class stores nothing: a run with it cannot be resumed. Subclasses that store something override every
    method.

    Attributes:
        name: the name of the run, None if nothing is stored.
        acknowledgements: the acknowledgement of each batch by the destination.
        rejects_bytes: the size of the valid part of the rejects file.
    """

    name: str | None = None
    acknowledgements: Sequence[Mapping[str, Any]] = ()
    rejects_bytes: int = 0
    _splits: int = 0

    def __enter__(self) -> Self:
        """Claim the run for this process.

        Raises:
            ConfigurationError: another process works on it.
        """
        return self

    def __exit__(self, *_exc: object) -> None:
        """Release the run."""

    @property
    def is_stored(self) -> bool:
        """True if the run can be resumed by its name: its first progress is stored."""
        return False

    def units(
        self,
        planned: Iterable[Unit | SkippedObject],
        report: Report,  # noqa: ARG002 - for subclasses
    ) -> Iterator[Unit | SkippedObject]:
        """Store the plan, or compare it with the stored one, and yield the units that are not done.

        Earlier progress is added to the report.

        Raises:
            ConfigurationError: an object has changed since a part of it was replayed.
        """
        yield from planned

    def begin(self, unit: Unit) -> None:
        """Note that a unit is being read, and that the units before it have been."""

    def fail(self, error: LogReplayError) -> None:
        """Note that the current unit could not be read to its end."""

    def check(self) -> None:
        """Check that this process may deliver the next batch.

        Raises:
            LedgerError: another process may work on the same lines.
            Stopped: the run is asked to stop.
        """

    def split(self, unit: Unit, error: SkippedLines) -> Unit:
        """Split a unit around lines that are skipped, and return the rest of the unit after these lines.

        The skipped lines become a failed unit: resuming the run tries them again.
        """
        self._splits += 1
        return rest_of(unit, error, number=-self._splits)

    def acknowledge(
        self,
        report: Report,
        batch: Sequence[TransformedEvent],
        delivery: Delivery,
        pending: Sequence[TransformedEvent],
        rejects_bytes: int = 0,
    ) -> None:
        """Record that every counted statement is delivered, except those of the pending events.

        Args:
            report: the report of the run.
            batch: the events that were delivered last.
            delivery: their result. Statements that unavailable routes did not receive are added to the backlog.
            pending: the events after the batch, all of the last block.
            rejects_bytes: the size of the rejects file.

        Raises:
            LedgerError: it cannot be recorded, or another process has taken over the run.
        """

    def backlog(self, routes: frozenset[str]) -> Iterator[Sequence[BacklogEntry]]:  # noqa: ARG002 - for subclasses
        """Yield the batches that any of these routes has not received, in order, many at a time."""
        yield from ()

    def unit(self, number: int) -> Unit:
        """Return one of the units of the run.

        Raises:
            LookupError: no unit has this number.
        """
        raise LookupError(number)

    def record_redelivery(
        self,
        report: Report,
        entry: BacklogEntry,
        batch: Sequence[TransformedEvent],
        delivery: Delivery,
        rejects_bytes: int = 0,
    ) -> None:
        """Record that all or some routes have received a batch of their backlog.

        Raises:
            LedgerError: as for ``acknowledge``.
        """

    def finish(self, report: Report, rejects_bytes: int = 0) -> None:
        """Record the end of the run.

        Raises:
            LedgerError: it cannot be recorded.
        """

    def stop(self, reason: str) -> None:
        """Record the reason why the run stopped before its end."""
