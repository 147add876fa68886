"""Explain all lines that the options ask for, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.explain.explainer import open_explainer
from log_replay.explain.finding import find_line, lines_of_block, lines_of_stream
from log_replay.explain.steps import LINE, REFUSED, Ending, Explanation
from log_replay.pipeline.plan import choose_lines
from log_replay.pipeline.plan.units import NO_SUCH_LINE, read_unit
from log_replay.records import LineBlock, Position
from log_replay.report.reasons import reason_text
from log_replay.report.rejects import read_refusals
from log_replay.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.explain.explain_options import ExplainOptions
    from log_replay.explain.finding import FoundLine
    from log_replay.sources import Source


def explanations(options: ExplainOptions) -> Iterator[Explanation]:
    """Yield the explanation of each line.

    Raises:
        ConfigurationError: the options are not valid, or there is no such line.
        LogReplayError: the source or a database cannot be read.
    """
    place = options.run.source
    source = open_source(place.provider, place.config)
    source.check()
    # Wrong places are found before anything is explained.
    lines = [find_line(source, *found) for found in options.places] if options.places else _all_lines(source, options)
    refused = read_refusals(options.rejects) if options.rejects else {}
    with open_explainer(options.run, with_content=options.with_content) as explainer:
        for line in lines:
            found = line if isinstance(line, Explanation) else explainer.explain(line)
            if reason := refused.get(found.position):
                found.add(REFUSED, f"a destination has refused a statement ({reason})", reason_text(reason).meaning)
            yield found


def _all_lines(source: Source, options: ExplainOptions) -> Iterator[FoundLine | Explanation]:
    """Yield the lines of standard input, or those that ``--from_rejects`` lists."""
    wanted = options.run.from_rejects
    if wanted is None:
        yield from lines_of_stream(source)
        return
    for unit in choose_lines(source.objects(), wanted, options.run.unit_size):
        for read in read_unit(source, unit):
            if isinstance(read, LineBlock):
                yield from lines_of_block(read)
            else:
                yield from (_absent(rejected.position) for rejected in read.rejects)


def _absent(position: Position) -> Explanation:
    words = reason_text(NO_SUCH_LINE)
    found = Explanation(position, ending=Ending(NO_SUCH_LINE, meaning=words.meaning, next_steps=[words.next_step]))
    found.add(LINE, "no line begins at this offset", failed=True)
    return found
