"""The parts of the report on the time of a real replay, and on what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from log_replay.inspect.terminal.layout import LABEL, PROBLEM, command, sentence
from log_replay.inspect.terminal.words import number_of, seconds, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from log_replay.inspect.terminal.words import Figures

#: From this time on, the report says how to make pauses shorter.
_LONG_PAUSES_SECONDS = 600
#: From this share of known events on that name unknown users, the database is probably another one.
_MOST_USERS = 0.5
_WRONG_DATABASE = (
    "First check the database: it does not have most users of these logs. LOG_REPLAY_DATABASE_URL names the LMS's; "
    "log-replay load FILE loads users and courses into the embedded one."
)


def duration(figures: Figures) -> Iterator[tuple[str, RenderableType | str]]:
    """Yield the facts on time."""
    found = figures.document["duration"]
    measured, batches = found["measured"], found["batches"]
    speed = f"{measured['lines_per_second']:,} lines and {size(measured['bytes_per_second'])} a second"
    yield (
        "this dry run",
        f"{seconds(measured['wall_seconds'])} with {number_of(measured['workers'], 'worker')}: {speed}",
    )
    most = max(found["cores"], measured["workers"])
    times = ", ".join(
        f"{seconds(entry['processing_seconds'])} with {number_of(entry['workers'], 'worker')}"
        for entry in found["replay"]
        if entry["workers"] <= most
    )
    yield "a replay", f"{times}; the time that the destination takes comes on top"
    if batches["lrs_requests"]:
        yield "to an LRS", _requests(figures)


def _requests(figures: Figures) -> Text:
    batches = figures.document["duration"]["batches"]
    requests = f"{number_of(batches['count'], 'request')} of up to {batches['batch_size_events']:,} events"
    pauses = batches["pauses_seconds"]
    if not pauses:
        return Text(f"{requests}, without pauses between them" if batches["count"] > 1 else requests)
    text = f"{requests}, with a pause of {batches['pause_seconds']:g} s after each: {seconds(pauses)} in all"
    if pauses <= _LONG_PAUSES_SECONDS:
        return Text(text)
    return Text(f"{text}. If the LRS can take more, give --sleep_between_batches_secs 1 or 0.", PROBLEM)


def next_steps(figures: Figures, console: Console) -> Iterator[RenderableType]:
    """Yield the commands."""
    found = figures.document["next"]
    if figures.value("/identities/unknown_user/share_of_events") > _MOST_USERS:
        yield sentence(f"{_WRONG_DATABASE}\n", PROBLEM)
    yield command(found["replay"], console.width)
    if not found["destination_given"]:
        yield sentence("It stores the statements in the folder statements; --to names any other destination.", LABEL)
    if found["source_is_stdin"]:
        yield sentence("It reads the log from standard input again.", LABEL)
    if found["variables"]:
        yield sentence(f"It reads {', '.join(found['variables'])} from the environment.", LABEL)
    reasons = figures.document["rejects"]["reasons"]
    if reasons and reasons[0]["explain"]:
        yield sentence("\nTo see why a line gives no statement, for example the first one of the most frequent reason:")
        yield command(reasons[0]["explain"], console.width)
