"""Show an explanation on a terminal, or as plain lines."""

from __future__ import annotations

from io import StringIO
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.explain.steps import Explanation

#: The width of the names of the steps.
NAME_WIDTH = 12
MIN_WIDTH = 40
ENDS_HERE = "ENDS HERE: "
_STYLES = {"place": "bold", "name": "cyan", "failed": "bold red", "good": "green", "bad": "yellow"}
Piece = tuple[str, str]


def shown(explanation: Explanation, *, colours: bool, width: int | None = None) -> str:
    """Return the text of an explanation. Control characters of the log are escaped.

    Args:
        explanation: the explanation.
        colours: use colours, for a terminal.
        width: wrap the facts at this width; None to wrap nothing.
    """
    output = StringIO()
    console = Console(file=output, force_terminal=colours, color_system="standard" if colours else None, width=1000)
    for pieces in _lines(explanation, width):
        text = Text()
        for piece, style in pieces:
            text.append(escape_controls(piece), _STYLES.get(style, style))
        console.print(text, soft_wrap=True, highlight=False)
    highlight = JSONHighlighter()
    for number, statement in enumerate(explanation.statements, 1):
        console.print(Text(f"\nStatement {number}, {escape_controls(statement.id)}", _STYLES["place"]), soft_wrap=True)
        json_text = Text(escape_controls(statement.json, keep_line_ends=True))
        console.print(highlight(json_text) if colours else json_text, soft_wrap=True)
    console.print()
    for line in _last_lines(explanation):
        console.print(Text(escape_controls(line), _STYLES["failed" if explanation.ending else "good"]), soft_wrap=True)
    return output.getvalue()


def _lines(explanation: Explanation, width: int | None) -> Iterator[list[Piece]]:
    """Yield the lines before the statements, as texts with their styles."""
    yield [(f"{explanation.position.object}:{explanation.position.offset}", "place")]
    yield []
    for step in explanation.steps:
        facts = [f"{ENDS_HERE}{fact}" if step.failed and not number else fact for number, fact in enumerate(step.facts)]
        yield from _row(step.name, facts, "bad" if step.failed else "", width)
    if explanation.ending:
        ending = explanation.ending
        yield []
        yield from _row("reason", [ending.reason], "", width)
        yield from _row("meaning", [ending.meaning], "", width)
        yield from _row("raised at", ending.raised_at, "", width)
        yield from _row("what to do", ending.next_steps, "", width)


def _row(name: str, facts: list[str], style: str, width: int | None) -> Iterator[list[Piece]]:
    """Yield the lines of some facts, with a name before the first one."""
    for fact in facts:
        room = max(MIN_WIDTH, (width or 0) - NAME_WIDTH - 2)
        lines = wrap(fact, room, break_long_words=False, break_on_hyphens=False) if width else [fact]
        for line in lines or [""]:
            yield [(f"  {name:<{NAME_WIDTH}}", "name"), (line, style)]
            name = ""


def _last_lines(explanation: Explanation) -> Iterator[str]:
    if explanation.masked:
        masked = ", ".join(dict.fromkeys(explanation.masked))
        yield f"Masked: {masked}. --with_content shows everything."
    count = len(explanation.statements)
    if explanation.ending:
        reason = explanation.ending.reason
        yield f"No statement comes out: the line ends at the step {explanation.failed_step} ({reason})."
    else:
        yield f"{count} statement{'s come' if count > 1 else ' comes'} out. Nothing was stored or sent."
