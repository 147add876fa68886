"""The options of an explanation: those of the run to explain, and some of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from log_replay.errors import ConfigurationError
from log_replay.options import OPTIONS, read_options
from log_replay.options.option import Option
from log_replay.report.rejects import read_rejects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.options import Options

_RUN_OPTIONS = (
    "base", "source_provider", "source_config", "to", "destination_provider", "destination_config", "lrs_urls",
    "transformer_type", "since", "until", "event", "course", "org", "user", "from_rejects", "log_format", "invalid",
    "transformers",
)  # fmt: skip
STDIN = "-"
EXPLANATION = "Explanation"
EXPLAIN_OPTIONS: dict[str, Option] = {
    **{name: OPTIONS[name] for name in _RUN_OPTIONS},
    "transformer_type": replace(OPTIONS["transformer_type"], required=False, default="xapi"),
    "with_content": Option(
        group=EXPLANATION,
        flag=True,
        help="Show the line itself, usernames and email addresses as well. Without this option they are masked.",
    ),
}


class LinePlace(NamedTuple):
    """A line to explain: the name of an object in the source, and an offset."""

    object: str
    offset: int


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """The configuration of an explanation.

    Attributes:
        run: the configuration of the run to explain.
        places: the lines to explain; none for all lines of standard input or of ``--from_rejects``.
        with_content: show everything.
        rejects: the file of ``--from_rejects``.
    """

    run: Options
    places: Sequence[LinePlace]
    with_content: bool
    rejects: Path | None


def read_explain_options(given: Mapping[str, Any]) -> ExplainOptions:
    """Return the checked options.

    Args:
        given: values by the names of the options, and ``lines``: what was typed as ``OBJECT:OFFSET``.

    Raises:
        ConfigurationError: a value is wrong, or nothing says which lines to explain.
    """
    lines, rejects = list(given.get("lines") or ()), given.get("from_rejects")
    if bool(lines) == bool(rejects) or (STDIN in lines and lines != [STDIN]):
        raise ConfigurationError(
            "say which lines to explain: OBJECT:OFFSET, or - for standard input, or --from_rejects",
            hint="for example explain tracking.log:118934",
        )
    places = [] if lines == [STDIN] else [_line_place(line) for line in lines]
    run = {name: given.get(name) for name in _RUN_OPTIONS}
    run["transformer_type"] = run["transformer_type"] or "xapi"
    if lines == [STDIN]:
        run["sources"] = [STDIN]
    elif not given.get("source_provider"):
        # A run names the objects of its SOURCEs as they are typed.
        names = read_rejects("--from_rejects", rejects) if rejects else [place.object for place in places]
        run["sources"] = list(dict.fromkeys(names or ()))
    options = read_options({**run, "dry_run": True, "validate": True, "log_to": "null", "log_format": None})
    log_format = given.get("log_format") or options.log_format
    return ExplainOptions(
        run=replace(options, log_format=log_format),
        places=places,
        with_content=bool(given.get("with_content")),
        rejects=Path(rejects).expanduser() if rejects else None,
    )


def _line_place(text: str) -> LinePlace:
    name, _, offset = text.rpartition(":")
    if not name or not offset.isascii() or not offset.isdecimal():
        raise ConfigurationError(
            f"{text!r} is not OBJECT:OFFSET", hint="for example tracking.log:118934, as in --rejects and in reports"
        )
    return LinePlace(name, int(offset))
