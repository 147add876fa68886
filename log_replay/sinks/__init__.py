"""Destinations: their protocol, and the table of providers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from log_replay.errors import ConfigurationError
from log_replay.redaction import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_replay.records import Delivery, TransformedEvent, Undelivered
    from log_replay.sinks.routing import RouteTable


class Sink(Protocol):
    """A destination. It receives batches in order; each call returns when every statement is stored or refused."""

    def check(self) -> None:
        """Check that the destination can be written to. Nothing remains there.

        Raises:
            ConfigurationError: it cannot be written to.
        """

    @property
    def routing(self) -> RouteTable | None:
        """The event filters of the destination's routes; None if the destination has no routes."""

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Continue an interrupted run.

        Partial output of a batch without an acknowledgement is removed now or overwritten later.

        Args:
            acknowledgements: the acknowledgements of the run's batches, in order.
        """

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Deliver a batch and return the result when the destination has acknowledged it.

        Every statement of the batch is counted once: delivered, duplicate, unrouted or failed.

        Raises:
            DestinationUnavailable: the destination accepts no statements; no statement of this batch is delivered.
        """

    def close(self, *, complete: bool) -> None:
        """Finish a complete run, for instance with a manifest; otherwise remove partial files.

        Raises:
            DestinationUnavailable: the manifest cannot be written.
        """


@runtime_checkable
class Routed(Sink, Protocol):
    """A destination with several routes. One route can be unavailable while the others receive statements."""

    @property
    def available(self) -> frozenset[str]:
        """The routes that are available, or that are to be tried again."""

    def retry_now(self) -> frozenset[str]:
        """Skip the delays of unavailable routes that may have recovered; return ``available``."""

    def redeliver(self, batch: Sequence[TransformedEvent], undelivered: Undelivered) -> Delivery:
        """Deliver a batch to those available routes that have not received it.

        Returns:
            The delivery of the batch at all routes. The counters in ``routes`` are changes.
        """


@runtime_checkable
class ObjectSink(Sink, Protocol):
    """A destination that keeps the outputs of each source object apart. A batch ends where its object ends."""

    def finish_objects(self, objects: Mapping[str, bool]) -> None:
        """Accept the objects of a complete run before it is closed.

        Args:
            objects: all objects of the run, and whether each replaces the outputs of earlier runs.
        """


#: Providers with their own sinks, as ``module:function``. All other providers are libcloud's.
_OPENERS = {
    "CLICKHOUSE": "log_replay.sinks.clickhouse.sink:open_clickhouse",
    "LOGGER": "log_replay.sinks.discard:open_discard",
    "LRS": "log_replay.sinks.lrs.sink:open_lrs",
}
_LIBCLOUD = "log_replay.sinks.files.opening:open_files"


def open_sink(
    provider: str,
    config: Mapping[str, Any],
    *,
    transformer_type: str,
    key: str,
    lrs_urls: Sequence[str] | None = None,
) -> Sink:
    """Open the sink of a provider. Nothing is contacted, except the LMS's database for the routes of ``LRS``.

    Args:
        provider: ``CLICKHOUSE``, ``LOGGER``, ``LRS``, or the name of a libcloud storage provider.
        config: the provider's configuration (``--destination_config``).
        transformer_type: ``xapi`` or ``caliper``.
        key: twelve hexadecimal digits, the digest of everything that determines the run's output.
        lrs_urls: the URLs of the routes to use; all routes if it is empty or None.

    Raises:
        ConfigurationError: the provider is unknown, or the configuration is not valid.
    """
    module, _, function = _OPENERS.get(provider, _LIBCLOUD).partition(":")
    opener = cast("Callable[..., Sink]", getattr(import_module(module), function))
    try:
        return opener(provider, config, transformer_type=transformer_type, key=key, lrs_urls=lrs_urls)
    except ConfigurationError as error:
        # A message can quote a setting that holds a secret by mistake.
        error.message = masked(error.message, provider, config)
        raise
