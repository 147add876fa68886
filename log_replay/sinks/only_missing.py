"""Deliver only the statements that a ClickHouse table does not have yet (option ``--only_missing``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.existing_ids import find_existing_ids
from log_replay.clickhouse.retrying_client import RetryingClient
from log_replay.clickhouse.rows import UnstorableStatement, event_id
from log_replay.clickhouse.tables import check_keys, prepare_table, statement_table
from log_replay.errors import DestinationUnavailable, RefusedBatch
from log_replay.records import Delivery, statement_count
from log_replay.sinks import Routed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from log_replay.records import Statement, TransformedEvent, Undelivered
    from log_replay.retry import RetryPolicy
    from log_replay.sinks import Sink

#: The outcome in ``Undelivered`` of a statement that was already in the table, and is not sent to any route.
ALREADY_PRESENT = "present"


class OnlyMissing:
    """Passes on the statements that are missing from a table, and counts the others as duplicate.

    Args:
        sink: the destination of the missing statements.
        config: the configuration of the table's ClickHouse.
        transformer_type: ``xapi`` or ``caliper``.
        log: logs the missing statements; statements that are already present are not logged.
        retry_policy: how often to retry a query.
    """

    def __init__(
        self,
        sink: Sink,
        config: Mapping[str, Any],
        *,
        transformer_type: str,
        log: Callable[[Sequence[TransformedEvent]], object],
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        check_keys(config, "--missing_from")
        self._sink = sink
        self._table = statement_table(config, transformer_type)
        self._log = log
        self._client = RetryingClient(config, retry_policy)
        self.routing = sink.routing
        self.resume_from: Callable[[Sequence[Mapping[str, Any]]], None] = sink.resume_from

    def check(self) -> None:
        """Check the sink, which may create the table; then check the table."""
        self._sink.check()
        prepare_table(self._client, self._table)

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Log and deliver the missing statements of a batch, and count the others as duplicate."""
        statements = [statement for event in batch for statement in event.statements]
        present = _find_present(statements, self._existing_ids(statements))
        missing = _missing_events(batch, present)
        self._log(missing)
        if not missing:
            return Delivery(duplicate=len(statements))
        return _add_present(self._sink.deliver(missing), present)

    @property
    def available(self) -> frozenset[str]:
        """The available routes of the sink."""
        return self._sink.available if isinstance(self._sink, Routed) else frozenset()

    def retry_now(self) -> frozenset[str]:
        """See ``Routed``."""
        return self._sink.retry_now() if isinstance(self._sink, Routed) else frozenset()

    def redeliver(self, batch: Sequence[TransformedEvent], undelivered: Undelivered) -> Delivery:
        """Redeliver the statements that were missing when the batch was first delivered.

        The table is not queried again: by now it can have statements that only the other routes delivered.
        """
        assert isinstance(self._sink, Routed)  # noqa: S101 - for mypy: only routed sinks leave statements undelivered
        present = [outcome == ALREADY_PRESENT for outcome in undelivered.outcomes]
        is_same_batch = len(present) == statement_count(batch)  # another version of ERB can make other statements
        if not any(present) or not is_same_batch:
            return self._sink.redeliver(batch, undelivered)
        outcomes = [outcome for outcome in undelivered.outcomes if outcome != ALREADY_PRESENT]
        delivery = self._sink.redeliver(_missing_events(batch, present), undelivered._replace(outcomes=outcomes))
        return _add_present(delivery, present)

    def close(self, *, complete: bool) -> None:
        """Close the sink and the connection."""
        try:
            self._sink.close(complete=complete)
        finally:
            self._client.close()

    def _existing_ids(self, statements: Sequence[Statement]) -> frozenset[str]:
        try:
            return self._client.run(
                lambda client: find_existing_ids(client, self._table, statements),
                operation="query",
                table=self._table.shown_name,
            )
        except RefusedBatch as error:
            # A refused query says nothing about the statements, so the run cannot continue.
            raise DestinationUnavailable(error.message, operation=error.operation, object=error.object) from None


def _find_present(statements: Sequence[Statement], existing_ids: frozenset[str]) -> list[bool]:
    """Return for each statement whether its id exists."""

    def is_present(statement: Statement) -> bool:
        try:
            return event_id(statement) in existing_ids
        except UnstorableStatement:
            return False

    return [is_present(statement) for statement in statements]


def _missing_events(batch: Sequence[TransformedEvent], present: Sequence[bool]) -> list[TransformedEvent]:
    """Return the events of a batch with their missing statements only, without events that have none."""
    flags = iter(present)
    events = [
        event._replace(statements=tuple(statement for statement in event.statements if not next(flags)))
        for event in batch
    ]
    return [event for event in events if event.statements]


def _add_present(delivery: Delivery, present: Sequence[bool]) -> Delivery:
    """Return the result for a whole batch, given the result for its missing statements.

    Args:
        delivery: the result for the missing statements.
        present: for each statement of the batch, whether it was already present.
    """
    if not any(present):
        return delivery
    undelivered = delivery.undelivered and delivery.undelivered._replace(
        outcomes=list(_merge(present, iter(delivery.undelivered.outcomes), ALREADY_PRESENT))
    )
    return delivery._replace(
        duplicate=delivery.duplicate + sum(present),
        outcomes=list(_merge(present, _outcomes(delivery), "duplicate")),
        undelivered=undelivered,
    )


def _merge(present: Iterable[bool], outcomes: Iterator[str], present_outcome: str) -> Iterator[str]:
    """Yield the outcome of each statement: ``present_outcome``, or the next of the missing statements' outcomes."""
    for is_present in present:
        yield present_outcome if is_present else next(outcomes)


def _outcomes(delivery: Delivery) -> Iterator[str]:
    """Yield the outcome of each delivered statement."""
    if delivery.outcomes:
        yield from delivery.outcomes
        return
    for counter in ("delivered", "duplicate", "unrouted", "failed"):
        yield from [counter] * getattr(delivery, counter)
