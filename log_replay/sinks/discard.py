"""The sink of runs that only log: ``LOGGER``, and every destination with ``--dry_run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.records import Delivery, statement_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.records import TransformedEvent


class Discard:
    """Discard every statement and count it as delivered: the loggers have already received it."""

    routing = None

    def check(self) -> None:
        """Do nothing: there is nothing to check."""

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Do nothing."""

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Count the statements of the batch as delivered."""
        return Delivery(delivered=statement_count(batch))

    def close(self, *, complete: bool) -> None:
        """Do nothing."""


def open_discard(_provider: str, _config: Mapping[str, Any], **_: Any) -> Discard:
    """Open the sink of ``LOGGER``, which has no options."""
    return Discard()
