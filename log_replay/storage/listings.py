"""List a container of a libcloud driver."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from libcloud.storage.base import Container, Object, StorageDriver


def list_container(driver: StorageDriver, container: Container, prefix: str) -> Iterator[Object]:
    """Yield the objects whose names begin with a prefix."""
    with warnings.catch_warnings():
        # Drivers that cannot request a prefix warn about it. They filter the listing themselves.
        warnings.filterwarnings("ignore", message="Driver .* does not implement native object")
        found = iter(driver.iterate_container_objects(container, prefix=prefix or None))
        first = next(found, None)
    if first is not None:
        yield first
    yield from found
