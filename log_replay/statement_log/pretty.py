"""Format statements for eyes: one line each, with time, actor, verb, object and course."""

from __future__ import annotations

import json
import os
import re
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import orjson

from log_replay.statement_log.formatters import (
    AspectsFormatter,
    JsonFormatter,
    LineFormatter,
    RawFormatter,
    statement_text,
)
from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from log_replay.records import TransformedEvent

_COURSE = re.compile(r"/courses?/([^/?#]+(?:/[^/?#]+/[^/?#]+)?)")
_ACTOR_LENGTH = 4
_VERB_WIDTH = 11
#: A name is never cut to fewer columns than this.
_LEAST_NAME_WIDTH = 12
_GAP = "  "
#: Escape sequences for colours, by the part of the line.
_COLOURS = {"time": "\x1b[2m", "actor": "\x1b[36m", "verb": "\x1b[1m", "kind": "\x1b[2m", "course": "\x1b[34m"}
_PLAIN = "\x1b[0m"


class _Parts(NamedTuple):
    time: str
    actor: str
    verb: str
    name: str
    kind: str
    course: str


class PrettyFormatter(LineFormatter):
    """Format a statement as ``2026-03-02 08:15:27  5f2c…  completed  "Welcome" (video)  course-v1:edX+DemoX+2026``.

    Args:
        colours: True to colour the parts of the line.
        width: the columns of the terminal; a long name is cut to fit. None for no limit.
    """

    def __init__(self, *, colours: bool = False, width: int | None = None) -> None:
        super().__init__()
        self._colours = colours
        self._width = width

    @classmethod
    def for_stdout(cls) -> PrettyFormatter:
        """Return a formatter for stdout: with colours and a width if it is a terminal."""
        if sys.stdout is None or not sys.stdout.isatty():
            return cls()
        return cls(colours=not os.environ.get("NO_COLOR"), width=get_terminal_size().columns)

    def line(self, record: logging.LogRecord) -> bytes:
        """Return the line of a statement, or the text of a record that is no statement."""
        return self._line(statement_text(record))

    def block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> bytes:  # noqa: ARG002 - every formatter has this signature
        """Return the lines of a block."""
        return b"".join(self._line(statement.text) + b"\n" for event in events for statement in event.statements)

    def _line(self, text: bytes) -> bytes:
        try:
            parts = _parts(_loaded(text))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return escape_controls(text.decode(errors="replace")).encode()
        return self._shown(_Parts(*map(escape_controls, parts))).encode()

    def _shown(self, parts: _Parts) -> str:
        from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - slow to import, and only this format needs it

        verb = set_cell_size(parts.verb, max(_VERB_WIDTH, cell_len(parts.verb)))
        kind = f"({parts.kind})" if parts.kind else ""
        others = (parts.time, parts.actor, verb, kind, parts.course)
        name = self._fitted(parts.name, sum(cell_len(part) + len(_GAP) for part in others))
        named = " ".join(filter(None, (self._coloured("name", name), self._coloured("kind", kind))))
        columns = [
            self._coloured("time", parts.time),
            self._coloured("actor", parts.actor),
            self._coloured("verb", verb),
            named,
            self._coloured("course", parts.course),
        ]
        return _GAP.join(filter(None, columns)).rstrip()

    def _fitted(self, name: str, taken: int) -> str:
        from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - as above

        if self._width is None or not name:
            return name
        room = max(self._width - taken, _LEAST_NAME_WIDTH)
        if cell_len(name) <= room:
            return name
        end = '…"' if name.startswith('"') else "…"
        return set_cell_size(name, room - len(end)).rstrip() + end

    def _coloured(self, part: str, text: str) -> str:
        if not self._colours or not text or part not in _COLOURS:
            return text
        return f"{_COLOURS[part]}{text}{_PLAIN}"


def _loaded(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:  # it refuses some texts that json accepts, such as half of a surrogate pair
        return json.loads(text.decode(errors="replace"))


def _parts(statement: dict[str, Any]) -> _Parts:
    return _caliper_parts(statement["data"][0]) if "sensor" in statement else _xapi_parts(statement)


def _xapi_parts(statement: dict[str, Any]) -> _Parts:
    target = statement["object"]
    definition = target.get("definition") or {}
    actor = statement["actor"]
    who = (actor.get("account") or {}).get("name") or actor.get("mbox_sha1sum") or actor.get("mbox", "")
    activities = (statement.get("context") or {}).get("contextActivities") or {}
    related = [activity["id"] for group in activities.values() for activity in group]
    return _Parts(
        time=_time(statement.get("timestamp", "")),
        actor=_actor(str(who).removeprefix("mailto:")),
        verb=_text(statement["verb"].get("display")) or _last(statement["verb"]["id"]),
        name=_name(_text(definition.get("name")), target.get("id", "")),
        kind=_last(definition.get("type", "")),
        course=_course([target.get("id", ""), *related]),
    )


def _caliper_parts(event: dict[str, Any]) -> _Parts:
    target = event.get("object") or {}
    part_of = (target.get("extensions") or {}).get("isPartOf") or target.get("isPartOf") or {}
    group = event.get("group") or {}
    return _Parts(
        time=_time(event.get("eventTime", "")),
        actor=_actor(_last(event["actor"]["id"])),
        verb=event["action"].lower(),
        name=_name(target.get("name") or "", target.get("id", "")),
        kind=target.get("type", "").lower(),
        course=_course([found.get("id", "") for found in (group, part_of, target) if isinstance(found, dict)]),
    )


def _time(text: str) -> str:
    return f"{text[:10]} {text[11:19]}"


def _actor(text: str) -> str:
    return f"{text[:_ACTOR_LENGTH]}…"


def _text(texts: Any) -> str:
    """Return the first text of a language map."""
    return str(next(iter(texts.values()), "")) if isinstance(texts, dict) else ""


def _last(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def _name(name: str, url: str) -> str:
    """Return a name in quotes, or the last part of the id of what has no name."""
    return f'"{name}"' if name else unquote(_last(url)).rpartition("@")[2]


def _course(urls: Sequence[str]) -> str:
    found = next(filter(None, map(_COURSE.search, urls)), None)
    return unquote(found[1]) if found else ""


#: The formatters by the values of ``--log_format``. The Vector configs accept all but ``pretty``.
FORMATTERS: dict[str, type[LineFormatter]] = {
    "aspects": AspectsFormatter,
    "json": JsonFormatter,
    "raw": RawFormatter,
    "pretty": PrettyFormatter,
}
