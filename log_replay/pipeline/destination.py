"""Open everything that a run writes to: the sink, the table of tracking events, and the limit of logged lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.errors import ConfigurationError
from log_replay.sinks import open_sink
from log_replay.sinks.discard import Discard
from log_replay.statement_log import LINE_LIMITS, LineLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from log_replay.options import Options
    from log_replay.records import TransformedEvent
    from log_replay.sinks import Sink
    from log_replay.sinks.clickhouse.tracking import TrackingStore


def open_destination(options: Options, log_events: Callable[[Sequence[TransformedEvent]], None]) -> Sink:
    """Open the destination of the statements.

    Args:
        options: the configuration of the run.
        log_events: logs the statements that ``--only_missing`` selects.
    """
    sink = _open_sink(options)
    if options.missing_from is None:
        return sink
    from log_replay.sinks.only_missing import OnlyMissing  # noqa: PLC0415 - ClickHouse's client is optional

    return OnlyMissing(sink, options.missing_from, transformer_type=options.transformer_type, log=log_events)


def open_tracking(options: Options) -> TrackingStore | None:
    """Open the table for the events of the logs themselves, or return None without ``--tracking``."""
    if not options.tracking or options.dry_run:
        return None
    from log_replay.sinks.clickhouse.tracking import TrackingStore  # noqa: PLC0415 - ClickHouse's client is optional

    config = options.destination.config
    return TrackingStore(config, options.filters, create=bool(config.get("create_tables")))


def line_limit(text: str | None) -> LineLimit | None:
    """Return the limit of ``--max_line_bytes``: a number of bytes, or the name of a transport.

    Raises:
        ConfigurationError: it is neither.
    """
    if text is None:
        return None
    if text in LINE_LIMITS:
        return LineLimit(LINE_LIMITS[text])
    if text.isdecimal() and int(text) > 0:
        return LineLimit(int(text))
    raise ConfigurationError(f"--max_line_bytes {text!r} is neither a number nor one of {', '.join(LINE_LIMITS)}")


def _open_sink(options: Options) -> Sink:
    """Open the destination of the statements. A dry run discards them."""
    if options.dry_run:
        return Discard()
    return open_sink(
        options.destination.provider,
        options.destination.config,
        transformer_type=options.transformer_type,
        key=options.key,
        lrs_urls=options.lrs_urls,
    )
