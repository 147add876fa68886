"""Explain lines: what becomes of each, step by step."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from log_replay.errors import ConfigurationError, LogReplayError, RejectError
from log_replay.events import UnparsableLine, parse_event
from log_replay.events.prefilter import is_plain, showable
from log_replay.events.subjects import UNREADABLE_USER
from log_replay.explain import steps
from log_replay.explain.destinations import Destinations
from log_replay.explain.masking import masked_user, pretty_json, shown_user
from log_replay.explain.steps import Ending, Explanation, ShownStatement
from log_replay.explain.upstream_place import class_place, raised_at
from log_replay.pipeline.transform import open_identities, open_transformer
from log_replay.pipeline.transform_settings import transform_settings
from log_replay.records import LineBlock
from log_replay.report.fallbacks import fallback_reason
from log_replay.report.reasons import reason_text
from log_replay.spelling import did_you_mean
from log_replay.statements.block import transform_block
from log_replay.statements.native import NATIVE
from log_replay.statements.native.certification import Certification
from log_replay.statements.upstream import UpstreamTransformer, identities_answer
from log_replay.validation import Validator
from log_replay.validation.block import INVALID_STATEMENT, validate_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.explain.finding import FoundLine
    from log_replay.explain.upstream_place import RaisedAt
    from log_replay.identities.cache import IdentityCache
    from log_replay.options import Options
    from log_replay.records import BlockResult, Event

#: The step at which a line ends, by its reject reason. All other reasons belong to the step ``statements``.
STEP_OF_REASON = {
    **dict.fromkeys(("anonymous", "unknown_user", "no_external_id"), steps.USER),
    "unknown_course": steps.COURSE,
    "unreadable_time": steps.FILTERS,
    INVALID_STATEMENT: steps.RULES,
}
SENTENCE_END = re.compile(r"(?<=\.) ")
TYPES = {"xapi": "xAPI", "caliper": "Caliper"}


@contextmanager
def open_explainer(options: Options, *, with_content: bool) -> Iterator[Explainer]:
    """Yield an explainer that uses the LMS's database, and the destination of the options.

    Args:
        options: the configuration of the run to explain. External ids are never created.
        with_content: show usernames, email addresses and the line itself.

    Raises:
        ConfigurationError: the configuration is not valid.
    """
    settings = replace(transform_settings(options, None), add_external_ids=False)
    identities = open_identities(settings)
    with identities_answer(identities), Destinations(options) as destinations:
        yield Explainer(options, identities, destinations, with_content=with_content)


class Explainer:
    """Explains lines with the code of a run; see ``open_explainer``."""

    def __init__(
        self, options: Options, identities: IdentityCache, destinations: Destinations, *, with_content: bool
    ) -> None:
        self._type = options.transformer_type
        self._options = options
        self._identities = identities
        self._destinations = destinations
        self._with_content = with_content
        self._transformer = open_transformer(transform_settings(options, None))
        self._upstream = UpstreamTransformer(self._type)
        self._certification = Certification(self._type)
        self._validator = Validator(self._type)
        self._names = {kind: _names(kind) for kind in TYPES}

    def explain(self, line: FoundLine) -> Explanation:
        """Return what becomes of a line."""
        found = Explanation(line.position)
        result = self._transform(line)
        event = self._explain_line(line, found)
        if event is None:
            return found
        self._explain_event(event, found)
        if not found.ending:
            self._explain_filters(event, result, found)
        if not found.ending:
            self._explain_subjects(event, result, found)
        if not found.ending:
            self._explain_code(event, result, found)
            self._explain_statements(line, result, found)
        return found

    def _transform(self, line: FoundLine) -> BlockResult:
        """Transform the line as a run does, without the option to reject invalid statements."""
        text, (name, offset) = line.text, line.position
        pieces, oversized = ((b"",), [offset]) if text is None else ((text,), [])
        block = LineBlock(name, pieces, offset, offset + len(pieces[0]) + 1, oversized)
        result = transform_block(
            block, filters=self._options.filters, identities=self._identities, transformer=self._transformer
        )
        self._transformer.drain_stats(result)
        return result

    def _explain_line(self, line: FoundLine, found: Explanation) -> Event | None:
        if line.text is None:
            _end(found, steps.LINE, "line_too_long", "longer than 16 MiB")
            return None
        length = f"{len(line.text):,} bytes"
        if not line.text.strip():
            found.ending = Ending("blank", meaning="The line is blank. It is counted and skipped.")
            found.add(steps.LINE, length, failed=True)
            return None
        try:
            event = self._parsed(line)
        except UnparsableLine as error:
            _end(found, steps.LINE, error.reason, length, *_damage(line.text))
            return None
        begin = line.text.find(event.json_text)
        prefix = f"the JSON begins after a prefix of {begin} bytes" if begin else "the whole line is JSON"
        if begin + len(event.json_text) < len(line.text):
            prefix += ", and white space follows it"
        facts = [length, prefix]
        if isinstance(event.fields.get("event"), str):
            decoded = not isinstance(event.fields["data"], str)
            facts.append(f"its event is a text, {'decoded as JSON' if decoded else 'which is no JSON'}")
        if self._with_content:
            facts.append(line.text.decode(errors="replace"))
        found.add(steps.LINE, *facts)
        return event

    def _explain_event(self, event: Event, found: Explanation) -> None:
        name = event.name if self._with_content else showable(event.name)
        known = [TYPES[kind] for kind, names in self._names.items() if event.name in names]
        time = event.fields.get("timestamp")
        facts = [
            f"{name if event.name else 'no name'}: known to {' and '.join(known) or 'neither xAPI nor Caliper'}",
            f"time {time}" if isinstance(time, str) else "no time",
        ]
        if event.name in self._names[self._type]:
            found.add(steps.EVENT, *facts)
            return
        meaning = f"No {TYPES[self._type]} statement is made of events with this name. They are counted as unknown."
        nexts = [f"Use --transformer_type {kind}." for kind, names in self._names.items() if event.name in names]
        if not known and (nearest := did_you_mean(event.name, self._names[self._type])):
            nexts.append(f"Names that are similar are known: {nearest}.")
        found.ending = Ending("unknown", meaning=meaning, next_steps=nexts)
        found.add(steps.EVENT, *facts, failed=True)

    def _explain_filters(self, event: Event, result: BlockResult, found: Explanation) -> None:
        facts = []
        for option, filters in self._options.filters.separate().items():
            try:
                matches = "matches" if filters.match(event) else "does not match"
            except ValueError:
                matches = "cannot be decided, since the time cannot be read"
            facts.append(f"{option}: {matches}")
        if result.counters.filtered:
            found.ending = Ending(
                "filtered", meaning="An option selects other events.", next_steps=["Leave out the option."]
            )
            found.add(steps.FILTERS, *facts, failed=True)
        elif _reason(result) == "unreadable_time":
            _end(found, steps.FILTERS, "unreadable_time", *facts)
        elif facts:
            found.add(steps.FILTERS, *facts)

    def _explain_subjects(self, event: Event, result: BlockResult, found: Explanation) -> None:
        """Explain who the event is about, and where it happened."""
        step = STEP_OF_REASON.get(_reason(result) or "")
        facts = self._user_facts(event, found)
        if step == steps.USER:
            self._end_with_place(found, step, event, result, facts)
            return
        found.add(steps.USER, *facts)
        facts = self._course_facts(event)
        if step == steps.COURSE:
            self._end_with_place(found, step, event, result, facts)
        else:
            found.add(steps.COURSE, *facts)

    def _user_facts(self, event: Event, found: Explanation) -> list[str]:
        value = event.user
        if value is UNREADABLE_USER:
            return ["the event is nested too deep to find its user"]
        if not value:
            return ["the event names no user"]
        named = (shown_user if self._with_content else masked_user)(value)
        if named != shown_user(value):
            found.masked.append("the username")
        try:
            user = self._identities.user(value)
        except (TypeError, OverflowError):
            return [f"the event names {named}, which cannot be a user"]
        if user is None:
            return [f"the event names {named}; the database has no such user"]
        external = f"external id {user.external_id}" if user.external_id else "no external id"
        return [f"the event names {named}; the database has user {user.id}, with {external}"]

    def _course_facts(self, event: Event) -> list[str]:
        course_id = event.course_id
        if not course_id:
            return ["the context names no course"]
        if not isinstance(course_id, str):
            return ["the course id is not a text"]
        try:
            name = self._identities.course_name(course_id)
        except RejectError:
            return [f"{course_id}: the database has no such course"]
        except Exception as error:  # noqa: BLE001 - opaque keys and their plugins raise many types
            return [f"{course_id}: not a course id ({type(error).__name__})"]
        return [f"{course_id}: {name!r}"]

    def _explain_code(self, event: Event, result: BlockResult, found: Explanation) -> None:
        transformer = self._certification.registry[event.name]
        named = f"{transformer.__name__} at {class_place(transformer)}"
        path = next(iter(result.transform_paths), NATIVE)
        if path == NATIVE:
            found.add(steps.CODE, "Log Replay's own code, certified to give the same as", named)
        else:
            found.add(steps.CODE, "event-routing-backends' own code:", named, f"because {fallback_reason(path)}")

    def _explain_statements(self, line: FoundLine, result: BlockResult, found: Explanation) -> None:
        event = self._parsed(line)
        if not result.events:
            reason = _reason(result) or ""
            raises = reason[:1].isupper()
            self._end_with_place(
                found, steps.STATEMENTS, event, result, [f"the code raises {reason}" if raises else "none"]
            )
            return
        transformed = result.events[0]
        user = self._identities.user(event.user) if isinstance(event.user, str | int) and event.user else None
        usernames = {user.username} if user else set[str]()
        for statement in transformed.statements:
            shown, masked = pretty_json(statement.text, usernames, with_content=self._with_content)
            rules = [violation.rule for violation in self._validator.violations(statement.text)]
            found.statements.append(ShownStatement(statement.id, shown, rules))
            if masked:
                found.masked.append("usernames and email addresses in the statements")
        count = len(transformed.statements)
        found.add(steps.STATEMENTS, f"{count} statement{'s' * (count > 1)}, shown below")
        self._explain_rules(result, found)
        if not found.ending:
            for name, facts in self._destinations.facts(self._parsed(line), transformed):
                found.add(name, *facts)

    def _explain_rules(self, result: BlockResult, found: Explanation) -> None:
        specification = self._validator.specification
        facts = [
            f"statement {number}: {rule}"
            for number, statement in enumerate(found.statements, 1)
            for rule in statement.broken_rules
        ] or [f"valid {specification}"]
        if self._options.invalid == "reject":
            validate_block(result, self._validator, reject=True)
            if _reason(result) == INVALID_STATEMENT:
                _end(found, steps.RULES, INVALID_STATEMENT, *facts)
                return
        found.add(steps.RULES, *facts)

    def _end_with_place(
        self, found: Explanation, step: str, event: Event, result: BlockResult, facts: list[str]
    ) -> None:
        """End at a step, with the place in upstream's code where the same event ends."""
        _end(found, step, _reason(result) or "", *facts)
        place = self._raised_at(event)
        if not found.ending:
            return
        found.ending.raised_at = place.lines if place else []
        if step == steps.STATEMENTS:
            detail = result.rejects[0].detail
            if place and place.missing:
                found.ending.meaning = f"The event has no {place.missing}, or it is empty."
            elif detail:
                found.ending.meaning = f"In this event, {detail}."

    def _raised_at(self, event: Event) -> RaisedAt | None:
        try:
            self._upstream.transform(event, self._identities)
        except LogReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - any error is what is asked for
            return raised_at(error)
        return None

    def _parsed(self, line: FoundLine) -> Event:
        """Return the event of a line. A transform can change its fields: parse it again for each."""
        text = line.text or b""
        return parse_event(text, line.position, plain=is_plain(text), username_first=self._transformer.username_first)


def _names(transformer_type: str) -> frozenset[str]:
    try:
        return UpstreamTransformer(transformer_type).names
    except ConfigurationError:  # the settings disable the type
        return frozenset()


def _reason(result: BlockResult) -> str | None:
    return result.rejects[0].reason if result.rejects else None


def _end(found: Explanation, step: str, reason: str, *facts: str) -> None:
    """Let the line end at a step, with the words for the reason."""
    words = reason_text(reason)
    meaning = " ".join(filter(None, (words.meaning, words.cause)))
    # In reports, the next step often is to explain a line.
    sentences = [text for text in SENTENCE_END.split(words.next_step) if text and "`explain`" not in text]
    found.ending = Ending(reason, meaning=meaning, next_steps=[" ".join(sentences)] if sentences else [])
    found.add(step, *facts, failed=True)


def _damage(text: bytes) -> list[str]:
    """Return where a line is damaged, without its content."""
    start = text.find(b"{")
    if start < 0:
        return ["there is no { in it"]
    try:
        json.loads(text[start:].decode())
    except UnicodeDecodeError as error:
        return [f"byte {start + error.start} is not UTF-8"]
    except json.JSONDecodeError as error:
        at = start + len(text[start:].decode()[: error.pos].encode())
        return [f"the JSON begins at byte {start} and cannot be read from byte {at} on"]
    except (RecursionError, ValueError):
        return [f"the JSON begins at byte {start}"]
    return [f"the JSON begins at byte {start}"]
