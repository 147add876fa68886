"""The tree of errors.

    LogReplayError
    ├── ConfigurationError               wrong usage or configuration, found before reading or writing (exit 2)
    ├── SourceError                      a source cannot be read
    │   ├── SourceUnavailable            the provider or container does not answer: the run stops
    │   ├── ReadError                    one object cannot be read any further: the run continues with the next
    │   └── DamagedObject                the compressed data of one object ends early or is corrupt: likewise
    ├── IdentityError                    the LMS's database cannot be used: the run stops
    │   └── IdentitiesNotResponding      it does not answer; it may recover
    ├── LedgerError                      the ledger cannot record progress, or another process took over: the run stops
    ├── DeliveryError                    a destination did not accept statements
    │   ├── RefusedBatch                 it refused one batch: that batch has failed, the run continues
    │   └── DestinationUnavailable       it accepts nothing (gone, full, forbidden): the run stops
    │       └── DestinationNotResponding it has not answered for a long time; it may recover
    └── Stopped                          the run was asked to stop (Ctrl-C, SIGTERM, closed stdout)

A foreign error is translated once, at the boundary where it occurs. A message contains no learner data and no secret.
"""

from __future__ import annotations


class LogReplayError(Exception):
    """The base of all errors of Log Replay, with the operation, the object, the offset and a hint.

    Args:
        message: what went wrong.
        operation: the operation that failed (``read``, ``list``, ``write``, ``send`` ...).
        object: the object, file or URL that the operation was applied to.
        offset: the offset in decompressed bytes, if it is known.
        hint: the next step for the operator.
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
    """One object cannot be read any further; everything before the offset was read."""


class DamagedObject(SourceError):
    """The compressed data of one object ends early or is corrupt; everything before the damage was read."""


class IdentityError(LogReplayError):
    """The LMS's database cannot be used."""


class IdentitiesNotResponding(IdentityError):
    """The LMS's database does not answer; it may recover."""


class LedgerError(LogReplayError):
    """The ledger cannot record progress."""


class DeliveryError(LogReplayError):
    """A destination did not accept statements."""


class RefusedBatch(DeliveryError):
    """A destination refused one batch."""


class DestinationUnavailable(DeliveryError):
    """A destination accepts nothing."""


class DestinationNotResponding(DestinationUnavailable):
    """A destination has not answered for a long time; it may recover."""


class Stopped(LogReplayError):
    """The run was asked to stop."""


class RejectError(ValueError):
    """An event or a line gives no statement. It is a ``ValueError`` as ERB raises.

    Args:
        reason: the reject reason.
        detail: what is wrong with the event, in words without learner data.
    """

    def __init__(self, reason: str, detail: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
