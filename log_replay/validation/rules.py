"""The text of a rule: the place in a statement, and what is wrong there. It contains no value of the statement."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema_rs import ValidationError

FOLDER = Path(__file__).parent
#: Stands for a key that is not part of the specification, such as a language.
ANY_KEY = "*"
#: The name of a statement as a whole.
WHOLE = "the statement"


@lru_cache(maxsize=2)
def read_schema(transformer_type: str) -> dict[str, Any]:
    """Return our schema of a transformer type."""
    schema: dict[str, Any] = json.loads((FOLDER / f"{transformer_type}.json").read_text(encoding="utf-8"))
    return schema


class Rules:
    """Names the rule for each error of a schema.

    Args:
        schema: the schema. The ``description`` of a part of it completes the sentence "the value ...".
        specification: the name of the specification.
    """

    def __init__(self, schema: Mapping[str, Any], specification: str) -> None:
        self._schema = schema
        self._specification = specification
        self._keys = frozenset(_property_names(schema))

    def rule(self, error: ValidationError) -> str:
        """Return the rule that an error is about, such as ``object.id: is not an IRI with a scheme``."""
        return f"{self._place(error.instance_path)}: {self._message(error)}"

    def _place(self, path: list[str | int]) -> str:
        """Return a path without list indexes, and without keys that are not part of the specification."""
        parts = ["[]" if isinstance(part, int) else f".{part if part in self._keys else ANY_KEY}" for part in path]
        return "".join(parts).removeprefix(".") or WHOLE

    def _message(self, error: ValidationError) -> str:
        details = error.kind.as_dict()
        match error.kind.name:
            case "required":
                return f"{details['property']} is missing"
            case "additionalProperties":
                return f"has a property that {self._specification} does not define"
            case "propertyNames":
                return f"has a key that {self._description(details['error'].schema_path)}"
        return self._description(error.schema_path)

    def _description(self, path: list[str | int]) -> str:
        """Return the description of the innermost part of the schema on a path that has one."""
        node: Any = self._schema
        found = "has the wrong type"
        for part in path:
            node = node[part]
            if isinstance(node, dict) and isinstance(node.get("description"), str):
                found = node["description"]
        return found


def _property_names(node: Any) -> Iterator[str]:
    """Yield the names of all properties in a part of a schema."""
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in node.values():
            yield from _property_names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _property_names(value)
