"""Where statements go: one protocol, one table."""

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
    """A destination. It is given whole batches, in order, and returns once each is safe or refused."""

    def check(self) -> None:
        """Find out whether the destination can be written to, leaving nothing behind.

        Raises:
            ConfigurationError: it cannot.
        """

    @property
    def routing(self) -> RouteTable | None:
        """The event filters of the destination's routes; None if the destination has no routes."""

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Continue an interrupted run, given the acknowledgements of its batches, in order.

        What is left of a batch that was not is cleaned up, or will be overwritten.
        """

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Deliver a batch and return what became of its statements, once the destination acknowledged.

        Every statement of the batch is counted once: delivered, duplicate, unrouted or failed.

        Raises:
            DestinationUnavailable: it cannot take anything any more; nothing of this batch counts as delivered.
        """

    def close(self, *, complete: bool) -> None:
        """Finish: write the manifest of a complete run, leave no half-written file behind otherwise.

        Raises:
            DestinationUnavailable: the manifest cannot be written.
        """


@runtime_checkable
class Routed(Sink, Protocol):
    """A destination of several routes that can be lost one by one: what such a route missed can be sent to it alone."""

    @property
    def available(self) -> frozenset[str]:
        """The routes that can be sent to now."""

    def retry_now(self) -> frozenset[str]:
        """Let lost routes be tried at once that may have come back; return all that can be sent to."""

    def redeliver(self, batch: Sequence[TransformedEvent], undelivered: Undelivered) -> Delivery:
        """Deliver a batch to the routes that missed it, as far as they are due.

        Returns:
            What the batch has come to at all routes; of ``routes``, what has changed.
        """


@runtime_checkable
class ObjectSink(Sink, Protocol):
    """A destination that keeps the outputs of each source object apart. A batch ends where its object ends."""

    def finish_objects(self, objects: Mapping[str, bool]) -> None:
        """Accept the objects of a complete run before it is closed.

        Outputs of earlier runs from the same object are replaced.

        Args:
            objects: all objects of the run, and whether each was read to its end.
        """


#: Providers with a sink of their own, as ``module:function``; every other provider is libcloud's.
_OPENERS = {
    "CLICKHOUSE": "log_replay.sinks.clickhouse.sink:open_clickhouse",
    "LOGGER": "log_replay.sinks.discard:open_discard",
    "LRS": "log_replay.sinks.lrs.sink:open_lrs",
}
_LIBCLOUD = "log_replay.sinks.files.sink:open_files"


def open_sink(
    provider: str,
    config: Mapping[str, Any],
    *,
    transformer_type: str,
    key: str,
    lrs_urls: Sequence[str] | None = None,
) -> Sink:
    """Return the sink of a provider, having contacted nothing but the LMS's database (for the routes of ``LRS``).

    Args:
        provider: ``CLICKHOUSE``, ``LOGGER``, ``LRS``, or the name of a libcloud storage provider.
        config: the provider's configuration, as given with ``--destination_config``.
        transformer_type: ``xapi`` or ``caliper``.
        key: twelve hexadecimal digits, the digest of what determines the run's output.
        lrs_urls: the only routes to send to, where not all of them.

    Raises:
        ConfigurationError: an unknown provider, or a configuration that cannot be right.
    """
    module, _, function = _OPENERS.get(provider, _LIBCLOUD).partition(":")
    opener = cast("Callable[..., Sink]", getattr(import_module(module), function))
    try:
        return opener(provider, config, transformer_type=transformer_type, key=key, lrs_urls=lrs_urls)
    except ConfigurationError as error:
        # A message can quote a setting that holds a secret by mistake.
        error.message = masked(error.message, provider, config)
        raise
