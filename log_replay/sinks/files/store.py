"""Interface of the containers that the file sink writes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import IO


class Store(Protocol):
    """A folder or a bucket. Names are paths in it, with ``/`` between their parts."""

    def check(self, probe: str) -> None:
        """Check that objects can be written next to ``probe``, a name that nothing else uses.

        Raises:
            ConfigurationError: they cannot.
        """

    def read(self, name: str) -> bytes | None:
        """Return the content of a small object, or None if it does not exist.

        Raises:
            DestinationUnavailable: the object cannot be read.
        """

    def replacing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file whose content becomes the object when the context ends without an error.

        Raises:
            DestinationUnavailable: the object cannot be written. No partial object is left.
        """

    def clean(self, name: str) -> None:
        """Remove partial files of this object that a killed process has left."""
