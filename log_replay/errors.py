"""The tree of errors.

    LogReplayError
    ├── ConfigurationError      wrong usage or configuration, found before anything is read or written (exit 2)
    ├── SourceError             a source cannot be read
    │   ├── SourceUnavailable   the provider or the container does not answer: the run cannot go on
    │   ├── ReadError           one object cannot be read any further: the run goes on with the next
    │   └── DamagedObject       one object's compressed data ends early or is corrupt: likewise
    ├── IdentityError          the LMS's database does not answer: the run cannot go on
    ├── LedgerError             the ledger cannot record what was done, or the run was taken over: it cannot go on
    ├── DeliveryError           a destination did not take what it was given
    │   ├── RefusedBatch        it said no to one batch: that batch is failed, the run goes on
    │   └── DestinationUnavailable     it cannot take anything any more (gone, full, forbidden): the run cannot go on
    │       └── DestinationNotResponding it has not answered for long, and may do so again
    └── Stopped                 somebody or something asked the run to stop (Ctrl-C, SIGTERM, a closed stdout)

Each foreign error is translated once, at the boundary where it arises. A message holds no learner data and no secret.
"""

from __future__ import annotations


class LogReplayError(Exception):
    """An error of Log Replay: what was attempted, on which object and offset, why it failed and what to do next.

    Args:
        message: what went wrong, in words.
        operation: what was attempted (``read``, ``list``, ``write``, ``send`` ...).
        object: the object, file or URL concerned.
        offset: in bytes, decompressed, where that is known.
        hint: what the operator can do next.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        object: str | None = None,  # noqa: A002 - the field's own term, and only ever a keyword
        offset: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation
        self.object = object
        self.offset = offset
        self.hint = hint

    def __str__(self) -> str:
        where = self.object or ""
        if self.offset is not None:
            where = f"{where} at offset {self.offset}".strip()
        attempt = f"{self.operation} {where}".strip() if self.operation else where
        text = f"{attempt}: {self.message}" if attempt else self.message
        return f"{text} ({self.hint})" if self.hint else text


class ConfigurationError(LogReplayError):
    """Wrong usage or configuration, found before anything is read or written."""


class SourceError(LogReplayError):
    """A source cannot be read."""


class SourceUnavailable(SourceError):
    """The provider or its container does not answer."""


class ReadError(SourceError):
    """One object cannot be read any further; what precedes the offset was yielded."""


class DamagedObject(SourceError):
    """One object's compressed data ends early or is corrupt; what precedes the damage was yielded."""


class IdentityError(LogReplayError):
    """The LMS's database does not answer."""


class LedgerError(LogReplayError):
    """The ledger cannot record what was done."""


class DeliveryError(LogReplayError):
    """A destination did not take what it was given."""


class RefusedBatch(DeliveryError):
    """A destination said no to one batch."""


class DestinationUnavailable(DeliveryError):
    """A destination cannot take anything any more."""


class DestinationNotResponding(DestinationUnavailable):
    """A destination did not answer for long, and may do so again."""


class Stopped(LogReplayError):
    """The run was asked to stop."""
