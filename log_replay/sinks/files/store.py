"""What the file sink needs of a place that holds objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import IO


class Store(Protocol):
    """A folder or a bucket. Names are paths inside it, with ``/`` between their parts."""

    def check(self, probe: str) -> None:
        """Find out whether objects can be written beside ``probe``, a name that nothing else uses.

        Raises:
            ConfigurationError: they cannot.
        """

    def read(self, name: str) -> bytes | None:
        """Return a small object, or None where there is none.

        Raises:
            DestinationUnavailable: it cannot be told.
        """

    def replacing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Give a file to fill, which becomes the object, whole, when the context ends without an error.

        Raises:
            DestinationUnavailable: it cannot be written; then nothing half-written is left.
        """

    def clean(self, name: str) -> None:
        """Take away what a killed process left of an object that it was replacing, if anything."""
