"""What is done, so that a run can be resumed: after each batch that the destination acknowledged, where it ended.

A ledger knows a run's plan, made once. What it records of a batch it records in one transaction, so that at any moment
it says of every line either that its statements were acknowledged or that it is still to be replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from log_replay.errors import LogReplayError
    from log_replay.records import BacklogEntry, Delivery, SkippedObject, TransformedEvent, Unit
    from log_replay.report import Report


class Ledger:
    """What a run tells of its progress, and is told of what it did before. A context: one process at a time.

    This one keeps nothing: such a run begins anew each time. One that keeps something overrides all of it.

    Attributes:
        name: the run's name, None where nothing is kept.
        acknowledgements: what the destination was given, batch by batch.
        rejects_bytes: how much of the rejects' file counts.
    """

    name: str | None = None
    acknowledgements: Sequence[Mapping[str, Any]] = ()
    rejects_bytes: int = 0

    def __enter__(self) -> Self:
        """Take the run over.

        Raises:
            ConfigurationError: another process is at work on it.
        """
        return self

    def __exit__(self, *_exc: object) -> None:
        """Let it go."""

    def units(
        self,
        planned: Iterable[Unit | SkippedObject],
        report: Report,  # noqa: ARG002 - who keeps something counts it
    ) -> Iterator[Unit | SkippedObject]:
        """Keep the plan, or compare it with the one that was kept; yield what is left to do.

        What was done before is counted into the report.

        Raises:
            ConfigurationError: an object of which a part is done has changed.
        """
        yield from planned

    def begin(self, unit: Unit) -> None:
        """Note that a unit is being read, and any before it has been."""

    def fail(self, error: LogReplayError) -> None:
        """Note that the unit could not be read to its end."""

    def acknowledge(
        self,
        report: Report,
        batch: Sequence[TransformedEvent],
        delivery: Delivery,
        pending: Sequence[TransformedEvent],
        rejects_bytes: int = 0,
    ) -> None:
        """Record that all that was counted is delivered, but for the pending events, which are of the last block.

        Args:
            report: the run's.
            batch: what was delivered last.
            delivery: what has become of it; what routes missed of it is owed to them from now on.
            pending: the events behind it.
            rejects_bytes: how much of the rejects' file counts from now on.

        Raises:
            LedgerError: it cannot be recorded, or another process has taken the run over.
        """

    def backlog(self, routes: frozenset[str]) -> Iterator[Sequence[BacklogEntry]]:  # noqa: ARG002 - who keeps something knows
        """Yield the batches of which any of these routes is owed something, in order, many at a time."""
        yield from ()

    def unit(self, number: int) -> Unit:
        """Return one of the run's units.

        Raises:
            LookupError: there is none of this number.
        """
        raise LookupError(number)

    def record_redelivery(
        self,
        report: Report,
        miss: BacklogEntry,
        batch: Sequence[TransformedEvent],
        delivery: Delivery,
        rejects_bytes: int = 0,
    ) -> None:
        """Record that a batch was delivered to routes that had missed it, or to some of them.

        Raises:
            LedgerError: as above.
        """

    def finish(self, report: Report, rejects_bytes: int = 0) -> None:
        """Record that the run has come to its end.

        Raises:
            LedgerError: it cannot be recorded.
        """

    def stop(self, reason: str) -> None:
        """Note why the run stopped before its end."""
