"""``--only_missing``: of each batch, only those statements that a ClickHouse table does not have yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.connection import CONNECTION_KEYS, connect, shown_place
from log_replay.clickhouse.errors import FOREIGN, Kind, configuring, hint, kind, reason
from log_replay.clickhouse.existing_ids import find_existing_ids
from log_replay.clickhouse.rows import UnstorableStatement, event_id
from log_replay.clickhouse.tables import TABLE_KEYS, check_table, statement_table
from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.records import WITHHELD, Delivery, statement_count
from log_replay.retry import RetryPolicy, TemporaryError
from log_replay.sinks import Routed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from log_replay.records import EventFields, Statement, TransformedEvent, Undelivered
    from log_replay.sinks import Sink


class OnlyMissing:
    """Gives a sink what is missing; what is not counts as duplicate.

    Args:
        sink: where the rest goes.
        config: the ClickHouse to ask.
        transformer_type: ``xapi`` or ``caliper``.
        log: logs the statements that are missing: what is there already is not logged either.
        retry_policy: how often to ask again.
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
        unknown = sorted(set(config) - CONNECTION_KEYS - TABLE_KEYS - {"create_tables"})
        if unknown:
            raise ConfigurationError(f"--missing_from does not know {', '.join(unknown)}")
        self._sink = sink
        self._config = config
        self._table = statement_table(config, transformer_type)
        self._log = log
        self._retry_policy = retry_policy or RetryPolicy()
        self._place = f"{self._table.database}.{self._table.name} at {shown_place(config)}"
        self._client: Client | None = None
        self.routes: Callable[[EventFields], int] = sink.routes
        self.resume_from: Callable[[Sequence[Mapping[str, Any]]], None] = sink.resume_from

    def check(self) -> None:
        """Check the sink, which may create the table; then connect and look at it."""
        self._sink.check()
        if self._client is None:
            self._client = connect(self._config)
        with configuring(self._place):
            check_table(self._client, self._table)

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Ask which of the batch's statements are there; log and deliver the others."""
        present = self._present([statement for event in batch for statement in event.statements])
        missing = [event._replace(statements=_without(event.statements, present)) for event in batch]
        missing = [event for event in missing if event.statements]
        self._log(missing)
        delivery = self._sink.deliver(missing) if missing else Delivery()
        duplicates = statement_count(batch) - statement_count(missing)
        if not duplicates:
            return delivery
        withheld = [_is_in(statement, present) for event in batch for statement in event.statements]
        outcomes = list(_filled(withheld, _each(delivery), "duplicate")) if missing else ()
        undelivered = delivery.undelivered and delivery.undelivered._replace(
            outcomes=list(_filled(withheld, iter(delivery.undelivered.outcomes), WITHHELD))
        )
        return delivery._replace(duplicate=delivery.duplicate + duplicates, outcomes=outcomes, undelivered=undelivered)

    @property
    def available(self) -> frozenset[str]:
        """The sink's."""
        return self._sink.available if isinstance(self._sink, Routed) else frozenset()

    def retry_now(self) -> frozenset[str]:
        """See ``Routed``."""
        return self._sink.retry_now() if isinstance(self._sink, Routed) else frozenset()

    def redeliver(self, batch: Sequence[TransformedEvent], undelivered: Undelivered) -> Delivery:
        """Deliver what was missing when the batch was first delivered: by now, other routes may have brought it."""
        assert isinstance(self._sink, Routed)  # noqa: S101 - for the type checker: nobody else misses anything
        withheld = [outcome == WITHHELD for outcome in undelivered.outcomes]
        if len(withheld) != statement_count(batch):
            return self._sink.redeliver(batch, undelivered)
        flags = iter(withheld)
        sent = [event._replace(statements=tuple(s for s in event.statements if not next(flags))) for event in batch]
        reached = [outcome for outcome in undelivered.outcomes if outcome != WITHHELD]
        delivery = self._sink.redeliver(sent, undelivered._replace(outcomes=reached))
        still = delivery.undelivered and delivery.undelivered._replace(
            outcomes=list(_filled(withheld, iter(delivery.undelivered.outcomes), WITHHELD))
        )
        return delivery._replace(
            duplicate=delivery.duplicate + sum(withheld),
            outcomes=list(_filled(withheld, _each(delivery), "duplicate")),
            undelivered=still,
        )

    def close(self, *, complete: bool) -> None:
        """Close the sink and the connection."""
        try:
            self._sink.close(complete=complete)
        finally:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _present(self, statements: Sequence[Statement]) -> frozenset[str]:
        try:
            return self._retry_policy.call(lambda: self._ask(statements))
        except TemporaryError as error:
            raise self._lost(f"{error} ({self._retry_policy.retries + 1} attempts)", None) from None

    def _ask(self, statements: Sequence[Statement]) -> frozenset[str]:
        if self._client is None:
            raise self._lost("nobody has connected to it", None)
        try:
            return find_existing_ids(self._client, self._table, statements)
        except FOREIGN as error:
            if kind(error) is Kind.PASSING:
                raise TemporaryError(reason(error)) from None
            raise self._lost(reason(error), hint(error)) from None

    def _lost(self, message: str, hint: str | None) -> DestinationUnavailable:
        return DestinationUnavailable(message, operation="ask", object=self._place, hint=hint)


def _without(statements: Sequence[Statement], present: frozenset[str]) -> tuple[Statement, ...]:
    return tuple(statement for statement in statements if not _is_in(statement, present))


def _is_in(statement: Statement, present: frozenset[str]) -> bool:
    try:
        return event_id(statement) in present
    except UnstorableStatement:
        return False


def _each(delivery: Delivery) -> Iterator[str]:
    """Yield the outcome of each statement that was delivered."""
    if delivery.outcomes:
        yield from delivery.outcomes
        return
    for name in ("delivered", "duplicate", "unrouted", "failed"):
        yield from [name] * getattr(delivery, name)


def _filled(withheld: Iterable[bool], delivered: Iterator[str], instead: str) -> Iterator[str]:
    """Yield an outcome for each statement, also for those that were withheld from the sink."""
    for is_withheld in withheld:
        yield instead if is_withheld else next(delivered)
