"""What destinations say about the statements of an event: routes, ClickHouse, and the line limits of transports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from log_replay.errors import ConfigurationError, LogReplayError
from log_replay.explain import steps
from log_replay.options.option import CLICKHOUSE, LRS
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.routes import enabled_routes, given_route, names, restricted
from log_replay.sinks.lrs.settings import read_settings
from log_replay.sinks.routing import RouteTable
from log_replay.statement_log import LINE_LIMITS, logged_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.options import Options
    from log_replay.records import Event, EventFields, TransformedEvent
    from log_replay.sinks.lrs.routes import Route

Facts = tuple[str, list[str]]


class Destinations:
    """The destination of the options, and the transports of logged lines. Nothing is sent.

    Args:
        options: the configuration of the run to explain.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._routes: list[Route] | None = None
        self._problem = ""
        self._table: _TableOfStatements | None = None
        if options.destination.provider == LRS:
            self._read_routes()
        elif options.destination.provider == CLICKHOUSE:
            self._table = _TableOfStatements(options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._table:
            self._table.close()

    def facts(self, event: Event, transformed: TransformedEvent) -> Iterator[Facts]:
        """Yield what each of them says about an event and its statements."""
        if self._options.destination.provider == LRS:
            yield steps.ROUTES, list(self._route_facts(event.fields))
        if self._table:
            yield steps.CLICKHOUSE, self._table.facts(transformed)
        yield steps.TRANSPORTS, list(self._transport_facts(transformed))

    def _read_routes(self) -> None:
        _, config = read_settings(self._options.destination.config)
        if config:
            self._routes = [given_route(config)]
            return
        try:
            enabled = enabled_routes(self._options.transformer_type)
        except ConfigurationError as error:
            self._problem = error.message
        else:
            self._routes = restricted(enabled, self._options.lrs_urls)

    def _route_facts(self, fields: EventFields) -> Iterator[str]:
        if self._routes is None:
            yield f"not known: {self._problem}"
            return
        if not self._routes:
            yield "RouterConfiguration has no enabled route"
        for name, route in zip(names(self._routes), self._routes, strict=True):
            refusing = [key for key in route.match if not _accepts(route, key, fields)]
            if refusing:
                yield f"{name}: would not get it, since match_params say no: {', '.join(refusing)}"
            else:
                yield f"{name}: would get it" + (", all match_params match" if route.match else "")

    def _transport_facts(self, transformed: TransformedEvent) -> Iterator[str]:
        log_format = self._options.log_format
        lengths = [
            len(logged_line(self._options.transformer_type, log_format, transformed, statement))
            for statement in transformed.statements
        ]
        longest = max(lengths)
        fits = [f"{name} ({limit:,})" for name, limit in LINE_LIMITS.items() if longest <= limit]
        yield f"the longest line in the format {log_format} has {longest:,} bytes" + (
            f"; within the limit of {', '.join(fits)}" if fits else ""
        )
        for name, limit in LINE_LIMITS.items():
            if longest > limit:
                yield f"too long for {name}, which splits or drops lines of more than {limit:,} bytes"


def _accepts(route: Route, key: str, fields: EventFields) -> bool:
    """Return True if one of the route's match_params accepts the event, as upstream's own code decides."""
    matcher = RouteTable({"route": {key: route.match[key]}}).matcher()
    return matcher is None or bool(matcher(fields))


class _TableOfStatements:
    """The table of statements of a ClickHouse. It is only read.

    Raises:
        ConfigurationError: the configuration is not valid.
    """

    def __init__(self, options: Options) -> None:
        # Imported here, because ClickHouse's client is optional.
        from log_replay.clickhouse.retrying_client import RetryingClient  # noqa: PLC0415
        from log_replay.clickhouse.tables import check_keys, statement_table  # noqa: PLC0415

        config = options.destination.config
        check_keys(config, "--destination_config")
        self._table = statement_table(config, options.transformer_type)
        self._client = RetryingClient(config, RetryPolicy(retries=0))
        self.close = self._client.close

    def facts(self, transformed: TransformedEvent) -> list[str]:
        """Return for each statement whether the table has it."""
        from log_replay.clickhouse.existing_ids import find_existing_ids  # noqa: PLC0415 - as above
        from log_replay.clickhouse.rows import UnstorableStatement, event_id  # noqa: PLC0415 - as above

        name = self._table.shown_name
        facts = []
        try:
            existing = self._client.run(
                lambda driver: find_existing_ids(driver, self._table, transformed.statements),
                operation="query",
                table=name,
            )
        except LogReplayError as error:
            return [f"not known: {error}"]
        for number, statement in enumerate(transformed.statements, 1):
            try:
                has_it = event_id(statement) in existing
            except UnstorableStatement as error:
                facts.append(f"statement {number} does not fit the table: {error}")
            else:
                facts.append(f"statement {number} is {'already' if has_it else 'not'} in {self._client.shown(name)}")
        return facts
