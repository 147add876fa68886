"""The parts of the report on rejects and on invalid statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from log_replay.inspect.terminal.layout import GOOD, LABEL, PROBLEM, facts, heading, sentence
from log_replay.inspect.terminal.words import enumerated, name, number_of, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from log_replay.inspect.terminal.words import Figures

_IDENTITIES = {
    "unknown_user": ("user that the database does not have", "users that the database does not have"),
    "no_external_id": ("user without an external id", "users without an external id"),
    "unknown_course": ("course that the database does not have", "courses that the database does not have"),
}
_SPECIFICATIONS = {"xapi": "xAPI 1.0.3", "caliper": "Caliper 1.2"}
#: The number of event names, and of broken rules.
_EVENTS, _RULES = 4, 12


def rejects(figures: Figures) -> Iterator[RenderableType]:
    """Yield the part on what would not come out."""
    found, identities = figures.document["rejects"], figures.document["identities"]
    yield heading("What would not, and what to do")
    if not found["count"]:
        known = figures.value("/contents/known_lines")
        yield sentence("Nothing: every known event gives a statement." if known else "There are no known events.")
        return
    yield sentence(
        f"{figures.number_of('/rejects/count', 'line gives', 'lines give')} no statement: "
        f"{figures.share('/rejects/share_of_events')} of the known events and of the lines that are no events."
    )
    for number, reason in enumerate(found["reasons"]):
        yield from _reason(reason, figures.count(f"/rejects/reasons/{number}/count"))
    people = [(reason, _identity(reason, entry)) for reason, entry in identities.items() if entry["distinct"]]
    if people:
        yield Text("\n  users and courses", LABEL)
        yield facts((f"  {reason}", text) for reason, text in people)


def _reason(reason: Mapping[str, Any], count: str) -> Iterator[RenderableType]:
    yield (
        Text(f"\n  {count}  ", "bold")
        .append(name(reason["reason"]), PROBLEM)
        .append(f"  {percent(reason['share_of_events'])}", LABEL)
    )
    rows: list[tuple[str, RenderableType | str]] = [("meaning", _plain(reason["meaning"]))]
    if reason["by_detail"]:
        rows.append(("in detail", enumerated(reason["by_detail"], _EVENTS)))
    if reason["cause"]:
        rows.append(("usual cause", _plain(reason["cause"])))
    if reason["next_step"]:
        rows.append(("what to do", _plain(reason["next_step"])))
    if reason["by_event"]:
        rows.append(("events", enumerated(reason["by_event"], _EVENTS)))
    rows.append(("the first", name(f"{reason['first']['object']}:{reason['first']['offset']}")))
    yield facts((f"  {label}", text) for label, text in rows)


def _identity(reason: str, found: Mapping[str, Any]) -> str:
    return (
        f"{'' if found['exact'] else 'about '}{number_of(found['distinct'], *_IDENTITIES[reason])}: "
        f"{number_of(found['rejected_events'], 'known event')} rejected ({percent(found['share_of_events'])})"
    )


def _plain(text: str) -> str:
    """Return a text of the reference page without its markup."""
    return text.replace("`", "")


def validation(figures: Figures) -> Iterator[RenderableType]:
    """Yield the part on whether a destination would take the statements."""
    found = figures.document["validation"]
    if not found or not found["checked"]:
        return
    specification = _SPECIFICATIONS[figures.document["transformer_type"]]
    yield heading("Would the destination take it")
    checked = figures.count("/validation/checked")
    if not found["invalid"]:
        yield sentence(f"Yes: all {checked} statements keep the rules of {specification}.", GOOD)
        return
    yield sentence(
        f"{figures.count('/validation/invalid')} of {checked} statements break a rule of {specification}, and a strict "
        "LRS refuses them. ClickHouse and files take them.",
        PROBLEM,
    )
    rules = found["rules"]
    yield facts(
        (
            f"{rule['statements']:,}",
            f"{_plain(rule['rule'])}: {name(rule['event'])}; the first: {name(rule['object'])}:{rule['offset']}",
        )
        for rule in rules[:_RULES]
    )
    if len(rules) > _RULES:
        yield sentence(f"... and {len(rules) - _RULES:,} more")
