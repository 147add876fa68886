"""Check the statements of a block, and reject invalid ones if the run asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.counters import ValidationCounts
from log_replay.records import Rejected

if TYPE_CHECKING:
    from log_replay.records import BlockResult, TransformedEvent
    from log_replay.validation import Validator

#: The reject reason of an event with a statement that breaks a rule.
INVALID_STATEMENT = "invalid_statement"


def validate_block(result: BlockResult, validator: Validator, *, reject: bool) -> None:
    """Check the statements of a block and count those that break a rule.

    Args:
        result: the result of the block. It gets the counts.
        validator: checks a statement.
        reject: reject each event with an invalid statement, with all its statements: a parent without its children
            would be a wrong statement.
    """
    counts = result.validation = ValidationCounts()
    is_valid = validator.is_valid
    invalid: list[TransformedEvent] = []
    for event in result.events:
        for statement in event.statements:
            counts.checked += 1
            if is_valid(statement.text):
                continue
            counts.invalid += 1
            for violation in validator.violations(statement.text):
                counts.add(violation.rule, event.name, 1, event.position)
            if not invalid or invalid[-1] is not event:
                invalid.append(event)
    if reject and invalid:
        _reject(result, invalid)


def _reject(result: BlockResult, invalid: list[TransformedEvent]) -> None:
    rejected = {event.position for event in invalid}
    result.events = [event for event in result.events if event.position not in rejected]
    result.rejects += [Rejected(event.position, INVALID_STATEMENT, event.name) for event in invalid]
    result.rejects.sort(key=lambda reject: reject.position.offset)
    for event in invalid:
        result.statements_by_event[event.name] -= len(event.statements)
    result.statements_by_event = +result.statements_by_event  # without the names that have none left
    counters = result.counters
    counters.statements = result.statements_by_event.total()
    counters.transformed -= len(invalid)
    counters.rejected += len(invalid)
