"""Rules of xAPI that JSON Schema cannot express, as keywords of our schemas."""

from __future__ import annotations

from typing import Any


class _Keyword:
    """A keyword of a schema, as jsonschema-rs creates it for each place where the schema has it."""

    def __init__(
        self, parent_schema: Any, value: Any, schema_path: Any
    ) -> None:  # the names are those of jsonschema-rs
        del parent_schema, value, schema_path

    def validate(self, instance: Any) -> None:
        """Check a value. Raises ``ValueError`` if it breaks the rule."""
        raise NotImplementedError


class OrderedScore(_Keyword):
    """``min``, ``raw`` and ``max`` of a score are in this order."""

    def validate(self, instance: Any) -> None:
        """Check the score.

        Raises:
            ValueError: the numbers are not in order.
        """
        if isinstance(instance, dict):
            numbers = [instance.get(name) for name in ("min", "raw", "max")]
            known = [number for number in numbers if isinstance(number, int | float)]
            if known != sorted(known):
                raise ValueError("min, raw and max are not in order")


class DistinctIds(_Keyword):
    """The components of an interaction have different ids."""

    def validate(self, instance: Any) -> None:
        """Check the list.

        Raises:
            ValueError: two components have the same id.
        """
        if isinstance(instance, list):
            ids = [component.get("id") for component in instance if isinstance(component, dict)]
            texts = [id_ for id_ in ids if isinstance(id_, str)]
            if len(set(texts)) < len(texts):
                raise ValueError("two components have the same id")


KEYWORDS: dict[str, type[Any]] = {"orderedScore": OrderedScore, "distinctIds": DistinctIds}
