"""Recipes of xAPI statements; see ``native.recipes``."""

from __future__ import annotations

from hashlib import sha1
from typing import TYPE_CHECKING, Any, cast

from log_replay.statements.native import times
from log_replay.statements.native.fields import Finder
from log_replay.statements.native.parts import CachedParts, paths_of
from log_replay.statements.native.recipes import LineRecipe, ProblemTexts
from log_replay.statements.native.steps import (
    ACTOR,
    ID,
    TIME,
    Step,
    begin_object,
    either,
    flat,
    members,
    optional,
    present,
    seconds,
    session,
    string,
    text,
    without,
)
from log_replay.statements.native.usage_keys import block_of_page, block_prefix, video_prefix
from log_replay.statements.native.xapi import contexts, objects, problem_check, results, verbs
from log_replay.statements.native.xapi.statement import PARTS_OF, template_of
from log_replay.statements.serialise import json_text, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_replay.identities import Identities
    from log_replay.records import Event
    from log_replay.statements.native.parts import CachedCourses, Rejection
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.statement import XapiTransform


def _position(template: bytes, without: bytes) -> tuple[Step, ...]:
    before, after = template.split(b"%b")
    return (seconds("data.current_time", "data.currentTime", before=before, after=after, without=without),)


def _captions(*, enabled: bool) -> tuple[Step, ...]:
    return _position(*results.captions_results(enabled=enabled))


BEFORE_FROM, BEFORE_TO, AFTER_TO = results.SEEK_RESULT.split(b"%b")
MEMBER_OF_TYPE = b',"%b":"' % contexts.TYPE
#: The steps of parts whose values differ from event to event.
STEPS: dict[Callable[..., Any], tuple[Step, ...]] = {
    contexts.no_activities: (),
    contexts.thread_type: (optional("any.thread_type", before=MEMBER_OF_TYPE, after=b'"'),),
    contexts.vote_value: (optional("any.vote_value", before=MEMBER_OF_TYPE, after=b'"'),),
    contexts.video_length: (seconds("data.duration", before=b',"%b":' % contexts.VIDEO_LENGTH, without=b""),),
    results.playback_position: _position(results.POSITION_RESULT, b'{"extensions":{}}'),
    results.seek: (
        seconds("data.old_time", before=BEFORE_FROM),
        seconds("data.new_time", before=BEFORE_TO, after=AFTER_TO),
    ),
    results.captions_on: _captions(enabled=True),
    results.captions_off: _captions(enabled=False),
}
NO_ZONE: Rejection = ("ValueError", times.NO_ZONE)
#: Marks the place of a key or a text; no URL has it.
PLACE = "{key}"
#: The JSON of an activity between its id and its definition.
BEFORE_DEFINITION = b'","objectType":"Activity","definition":'
#: The blocks that are objects: the path of the usage key, and the definition.
BLOCKS: dict[Callable[..., Any], tuple[str, bytes]] = {
    objects.completed_block: ("data.block_id", objects.RESOURCE_TYPE),
    objects.graded_subsection: ("data.block_id", objects.RESOURCE_TYPE),
    objects.submitted_problem: ("data.problem_id", objects.QUESTION_TYPE),
}


def _around_place(template: bytes) -> tuple[bytes, bytes]:
    before, after = template.split(PLACE.encode())
    return before, after


def _steps_of(
    platform: Platform, courses: CachedCourses, cached: CachedParts
) -> dict[Callable[..., Any], tuple[Step, ...]]:
    """Return the steps of the parts that need the platform, by part."""
    identities = cast("Identities", courses)

    def parent(event: Event) -> bytes | None:
        return contexts.course_of(event, platform, identities) or None

    course = cached.step(contexts.in_discussion, parent, ("context.course_id",))
    before_block = begin_object(platform.iri("xblock", ""))
    steps: dict[Callable[..., Any], tuple[Step, ...]] = {
        part: (before_block, string(path), text(b"%b%b}" % (BEFORE_DEFINITION, definition)))
        for part, (path, definition) in BLOCKS.items()
    }
    before_parent = text(b',"contextActivities":{"parent":')
    before, after = _around_place(b',"grouping":[%b]' % contexts.thread_activity(platform, PLACE))
    steps[contexts.in_discussion] = (
        before_parent,
        course,
        optional("data.discussion.id", before=before, after=after),
        text(b"}"),
    )
    before, after = _around_place(objects.NAMED_DISCUSSION % json_text(PLACE))
    steps[objects.post] = (
        begin_object(platform.root_url),
        without("context.path", "data.id"),
        text(b"/"),
        string("data.id"),
        text(BEFORE_DEFINITION),
        optional("data.title", before=before, after=after, without=objects.DISCUSSION_TYPE),
        text(b"}"),
    )
    steps[contexts.in_exam_attempt] = (
        before_parent,
        course,
        text(b',"grouping":[{"id":"'),
        string("event.attempt_code"),
        text(b'%b{"type":"%b","name":{"en":"' % (BEFORE_DEFINITION, objects.EXAM_ATTEMPT.encode())),
        string("event.exam_name"),
        text(b'"},"extensions":{'),
        members({f"event.{field}": iri for iri, field in contexts.ATTEMPT_FIELDS.items()}),
        text(b"}}}]}"),
    )
    return steps


def _usual_steps_of(platform: Platform, cached: CachedParts) -> dict[Callable[..., Any], tuple[Step, ...]]:
    """Return the steps of usual events for parts that differ too much between events for a cache, by part."""

    def prefix(event: Event) -> bytes | None:
        return video_prefix(event.course_id)

    def definition(event: Event) -> bytes:
        return objects.sequence_definition(event.fields)

    before_block = begin_object(platform.iri("xblock", ""))
    before_name, after_name = _around_place(objects.NAMED_MODULE % json_text(PLACE))
    return {
        objects.video: (
            before_block,
            present("data.id"),
            cached.step(video_prefix, prefix, ("context.course_id",)),
            string("data.id"),
            text(b"%b%b}" % (BEFORE_DEFINITION, objects.VIDEO_TYPE)),
        ),
        objects.sequence: (
            before_block,
            string("data.id"),
            text(BEFORE_DEFINITION),
            cached.step(objects.sequence_definition, definition, ("data.tab_count",)),
            text(b"}"),
        ),
        objects.link: (
            text(b'{"id":"'),
            string("data.target_url"),
            text(b"%b%b}" % (BEFORE_DEFINITION, objects.LINK_TYPE)),
        ),
        objects.outline_entry: (
            text(b'{"id":"'),
            string("data.target_url"),
            text(BEFORE_DEFINITION + before_name),
            string("data.target_name"),
            text(after_name + b"}"),
        ),
    }


def _problem_texts(platform: Platform, courses: CachedCourses, cached: CachedParts) -> ProblemTexts:
    identities = cast("Identities", courses)

    def in_course(event: Event) -> bytes:
        return contexts.in_course(event, platform, identities)

    def course(event: Event) -> bytes:
        return contexts.course_of(event, platform, identities)

    return ProblemTexts(
        attempted=template_of(verbs.ATTEMPTED, platform),
        evaluated=template_of(verbs.EVALUATED, platform),
        context=cached.step(contexts.in_course, in_course, ("context.course_id",)),
        course=cached.step(contexts.course_of, course, ("context.course_id",)),
        score=cached.step(_score, _score, ("data.max_grade", "data.grade")),
        page=cached.step(_block_of_page, _block_of_page, ("referer",)),
        block_prefix=cached.step(_block_prefix, _block_prefix, ("context.course_id",)),
        iri=b'{"id":%b' % json_text(f"{platform.root_url}/xblock/")[:-1],
        definition=b'{"type":"%b"' % objects.INTERACTION.encode(),
        attempts=b',"extensions":{"%b":' % problem_check.ATTEMPT,
        interaction_types=problem_check.INTERACTION_TYPES,
        verb_in_ids=f"{verbs.EVALUATED.json_in_ids}-".encode(),
        new_namespace=verbs.DNS.new_digest,
        new_digest=sha1(usedforsecurity=False).copy,
        untyped=cached.step(_untyped, _untyped, ("data.answers", "data.success")),
        no_id=("no_object_id", None),
        no_course=("AttributeError", problem_check.NO_COURSE),
        no_question=("KeyError", problem_check.NO_QUESTION),
        no_text=("TypeError", problem_check.NO_QUESTION),
        no_answer=("KeyError", problem_check.NO_ANSWER),
        no_referer=("ValueError", "referer is missing"),
    )


def _untyped(event: Event) -> bytes:
    return problem_check.untyped_members(Finder(event.fields))


def _score(event: Event) -> bytes:
    find = Finder(event.fields).find
    return problem_check.score_text(find("max_grade"), find("grade"))


def _block_of_page(event: Event) -> bytes:
    return quoted(block_of_page(event.fields["referer"]) or "")[1:-1]


def _block_prefix(event: Event) -> bytes | None:
    course_id = event.course_id
    return quoted(block_prefix(course_id, "problem"))[1:-1] if course_id and ":" in course_id else None


class _PartSteps:
    """The steps of the parts of statements on one platform."""

    def __init__(self, platform: Platform, courses: CachedCourses, cached: CachedParts) -> None:
        self._platform, self._courses, self._cached = platform, courses, cached
        self._all = STEPS | _steps_of(platform, courses, cached)
        self._usual = _usual_steps_of(platform, cached)

    def of(
        self, part: Callable[..., Any] | None, *, of_fields: bool = False, required: bool = False
    ) -> tuple[Step, ...] | None:
        """Return the steps that write a part, or None if it has none.

        Args:
            part: returns the part.
            of_fields: it gets the fields of the event only.
            required: upstream rejects an event without the part.
        """
        if part is None:
            return ()
        paths = paths_of(part)
        if part in self._all or paths is None:
            return self._all.get(part)

        def call(event: Event) -> bytes | None:
            result: bytes = part(event.fields) if of_fields else part(event, self._platform, self._courses)
            return None if required and not result else result

        any_event = (self._cached.step(part, call, paths),)
        return (either(self._usual[part], any_event),) if part in self._usual else any_event


def recipes_of(
    transforms: Mapping[str, XapiTransform], platform: Platform, courses: CachedCourses
) -> dict[str, LineRecipe]:
    """Return the recipes by event name. An event has none if a part of its statements has no steps."""
    if platform.agent_identifier != "external_id" or not platform.root_url:
        return {}
    cached = CachedParts()
    part_steps = _PartSteps(platform, courses, cached)
    recipes: dict[str, LineRecipe | None] = {}
    for name, transform in transforms.items():
        if transform is problem_check.problem_check:
            texts = _problem_texts(platform, courses, cached)
            recipes[name] = LineRecipe(name, texts.new_digest, b"", b"", (), texts, no_zone=NO_ZONE)
        else:
            recipes[name] = _recipe_of(name, transform, platform, part_steps)
    return {name: recipe for name, recipe in recipes.items() if recipe}


def _recipe_of(name: str, transform: XapiTransform, platform: Platform, part_steps: _PartSteps) -> LineRecipe | None:
    parts = PARTS_OF.get(transform)
    if parts is None:
        return None
    template = template_of(parts.verb, platform)
    extensions = part_steps.of(parts.extensions, of_fields=True)
    result = part_steps.of(parts.result, of_fields=True)
    activities, object_ = part_steps.of(parts.activities), part_steps.of(parts.object, required=True)
    if extensions is None or result is None or activities is None or object_ is None:
        return None
    steps = flat(
        (
            (text(b'{"id":"'), ID, text(template.before_name), ACTOR, text(template.after_name), TIME),
            (text(template.after_timestamp), *extensions, session(template.before_session, b'"'), text(b"}")),
            (*activities, text(b'},"object":'), *object_),
            (text(b',"result":'), *result) if result else (),
            (text(b"}"),),
        )
    )
    before, after = template.before_name_in_id, template.after_name_in_id
    return LineRecipe(name, template.new_digest, before, after, steps, no_zone=NO_ZONE)
