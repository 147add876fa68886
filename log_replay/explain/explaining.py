"""Explain all lines that the options ask for, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.explain.explainer import open_explainer
from log_replay.explain.finding import find_line, lines_of_block, lines_of_stream
from log_replay.explain.steps import LINE, REFUSED, REJECTED, Ending, Explanation
from log_replay.pipeline.plan import choose_lines
from log_replay.pipeline.plan.units import NO_SUCH_LINE, read_unit
from log_replay.records import LineBlock, Position
from log_replay.report.reasons import reason_text
from log_replay.report.rejects import read_reasons
from log_replay.sources import open_source
from log_replay.validation.block import INVALID_STATEMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.explain.explain_options import ExplainOptions
    from log_replay.explain.finding import FoundLine
    from log_replay.report.rejects import ListedReason
    from log_replay.sources import Source

#: For reasons that are not in the line itself: how to replay it.
REPLAY_WITH = {
    "worker_died": " and fewer --workers",
    "unreadable_time": ", without --since and --until",
    INVALID_STATEMENT: " and --invalid keep",
}


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
    listed = read_reasons(options.rejects) if options.rejects else {}
    with open_explainer(options.run, with_content=options.with_content) as explainer:
        for line in lines:
            found = line if isinstance(line, Explanation) else explainer.explain(line)
            for reason in listed.get(found.position, ()):
                _add_listed(found, reason)
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


def _add_listed(found: Explanation, listed: ListedReason) -> None:
    """Add what the file of rejects says about the line, if the explanation does not say the same."""
    reason, meaning = listed.reason, reason_text(listed.reason).meaning
    if listed.is_refusal:
        found.add(REFUSED, f"a destination has refused a statement ({reason})", meaning)
    elif not found.ending:
        replay = f"Replay the lines of the file with --from_rejects{REPLAY_WITH.get(reason, '')}."
        found.add(REJECTED, f"the run has rejected this line ({reason}), which gives statements here", meaning, replay)
    elif found.ending.reason != reason:
        found.add(REJECTED, f"the run has rejected this line for another reason ({reason})", meaning)


def _absent(position: Position) -> Explanation:
    words = reason_text(NO_SUCH_LINE)
    found = Explanation(position, ending=Ending(NO_SUCH_LINE, meaning=words.meaning, next_steps=[words.next_step]))
    found.add(LINE, "no line begins at this offset", failed=True)
    return found
