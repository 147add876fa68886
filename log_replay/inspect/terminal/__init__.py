"""The report of a dry run for people: in colours on a terminal, as plain lines elsewhere."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from log_replay.inspect.terminal.chart import ASCII, UNICODE
from log_replay.inspect.terminal.sections import sections
from log_replay.inspect.terminal.words import Figures
from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The width where there is no terminal.
PLAIN_WIDTH = 100
NARROWEST = 60
NOTHING_DONE = "This was a dry run: nothing was stored or sent."


def inspection_text(
    document: Mapping[str, Any], remarks: Iterable[str], *, width: int | None, encoding: str = "utf-8"
) -> str:
    """Return the report as text.

    Args:
        document: the document of the inspection.
        remarks: further lines: objects that were left out, and problems of the run.
        width: the width of the terminal; None for plain lines.
        encoding: the encoding of the stream that the text is for.
    """
    stream = io.StringIO()
    console = Console(
        file=stream,
        force_terminal=width is not None,
        width=max(NARROWEST, width or PLAIN_WIDTH),
        highlight=False,
        emoji=False,
        markup=False,
    )
    marks = UNICODE if encoding.lower().startswith("utf") else ASCII
    for part in sections(Figures(document), console, marks):
        console.print(part, soft_wrap=isinstance(part, Text) and "\\\n" in part.plain)
    lines = [Text(escape_controls(remark)) for remark in remarks]
    console.print(*([Text(), *lines] if lines else []), Text(f"\n{NOTHING_DONE}", "bold"), sep="\n")
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())
