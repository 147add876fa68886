"""The explanation of a line: the steps that it takes, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from log_replay.records import Position

#: The steps, in their order.
LINE, EVENT, FILTERS, USER, COURSE, CODE = "line", "event", "filters", "user", "course", "code"
STATEMENTS, RULES, ROUTES, CLICKHOUSE, TRANSPORTS = "statements", "rules", "routes", "clickhouse", "transports"
#: Steps after the others, for a line in a file of rejects: a destination has refused one of its statements, or the run
#: has rejected the line for a reason that does not hold any more.
REFUSED, REJECTED = "refused", "rejected"


@dataclass(slots=True)
class Step:
    """One step of a line.

    Attributes:
        name: the name of the step.
        facts: what is known after it, one sentence each.
        failed: True if the line ends here.
    """

    name: str
    facts: list[str]
    failed: bool = False


@dataclass(slots=True)
class Ending:
    """Why a line gives no statement.

    Attributes:
        reason: the reject reason, or ``blank``, ``unknown`` or ``filtered``, as in the counters.
        meaning: what the reason means.
        next_steps: what to do.
        raised_at: where event-routing-backends raised an exception, if it did: the place, and the code there.
    """

    reason: str
    meaning: str = ""
    next_steps: list[str] = field(default_factory=list)
    raised_at: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ShownStatement:
    """A statement, its JSON with one property a line, and the rules that it breaks."""

    id: str
    json: str
    broken_rules: list[str]


@dataclass(slots=True)
class Explanation:
    """What becomes of one line.

    Attributes:
        position: the position of the line.
        steps: the steps up to the end of the line's way.
        statements: the statements of the line.
        ending: why there are none; None if there are some.
        masked: what was masked in the explanation.
    """

    position: Position
    steps: list[Step] = field(default_factory=list)
    statements: list[ShownStatement] = field(default_factory=list)
    ending: Ending | None = None
    masked: list[str] = field(default_factory=list)

    def add(self, name: str, *facts: str, failed: bool = False) -> None:
        """Add a step."""
        self.steps.append(Step(name, list(facts), failed=failed))

    @property
    def failed_step(self) -> str | None:
        """The name of the step where the line ends without a statement."""
        return next((step.name for step in self.steps if step.failed), None)
