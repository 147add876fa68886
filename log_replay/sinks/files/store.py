"""Interface of the containers that the file sink writes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
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

    def names(self, folder: str, beginning: str, *, nested: bool) -> Iterable[str]:
        """Yield the names in a folder whose last part begins with ``beginning``.

        Args:
            folder: a name, ``.`` for the container itself.
            beginning: of the last part of a name.
            nested: also yield the names in the folders below.

        Raises:
            DestinationUnavailable: the folder cannot be listed.
        """

    def delete(self, name: str) -> None:
        """Delete an object.

        Raises:
            DestinationUnavailable: it cannot be deleted.
        """

    def require(self) -> None:
        """Fail if the container does not exist, instead of creating it: an interrupted run has written to it."""

    def clean(self, folder: str, beginning: str, *, nested: bool) -> None:
        """Remove partial files that a killed process has left. The arguments are those of ``names``."""
