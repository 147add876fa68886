"""Validation: check statements against the specification of xAPI 1.0.3 or Caliper 1.2, as a strict destination does.

The schemas are ``xapi.json`` and ``caliper.json``. They are our own, and jsonschema-rs runs them. CPU time for a golden
statement of 1.1 KB, in us: jsonschema-rs 3.1, fastjsonschema with the same schema 44, Ralph's pydantic models 110; and
1.5 to parse its JSON with orjson.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import orjson

from log_replay.validation.rules import Rules, read_schema

if TYPE_CHECKING:
    from typing import Any

    from jsonschema_rs import Draft7Validator

#: The specification of each transformer type.
SPECIFICATIONS = {"xapi": "xAPI 1.0.3", "caliper": "Caliper 1.2"}


class Violation(NamedTuple):
    """A rule that a statement breaks.

    Attributes:
        rule: the place in the statement, and what is wrong there, without any value of the statement.
        value: the value there. It can be about a learner.
    """

    rule: str
    value: Any


class Validator:
    """Checks statements of one type.

    Args:
        transformer_type: ``xapi`` or ``caliper``.
    """

    def __init__(self, transformer_type: str) -> None:
        schema = read_schema(transformer_type)
        self.specification = SPECIFICATIONS[transformer_type]
        self._schema: Draft7Validator = _compiled(transformer_type)
        self._rules = Rules(schema, self.specification)

    def is_valid(self, text: bytes) -> bool:
        """Return True if the statement with this JSON breaks no rule."""
        try:
            return self._schema.is_valid(orjson.loads(text))
        except ValueError:
            return not self.violations(text)

    def violations(self, text: bytes) -> list[Violation]:
        """Return the rules that the statement with this JSON breaks, each once."""
        try:
            errors = list(self._schema.iter_errors(json.loads(text)))
        except (ValueError, RecursionError):
            # JSON that LRSs do not read either: nested hundreds of levels deep, or with half of a surrogate pair.
            return [Violation("the statement: cannot be read by every JSON parser", None)]
        found: dict[str, Violation] = {}
        for error in errors:
            violation = Violation(self._rules.rule(error), error.instance)
            found.setdefault(violation.rule, violation)
        return list(found.values())


@lru_cache(maxsize=2)
def _compiled(transformer_type: str) -> Draft7Validator:
    from jsonschema_rs import Draft7Validator  # noqa: PLC0415 - runs without validation do not need it

    from log_replay.validation.keywords import KEYWORDS  # noqa: PLC0415 - as above

    return Draft7Validator(read_schema(transformer_type), validate_formats=True, keywords=KEYWORDS)
