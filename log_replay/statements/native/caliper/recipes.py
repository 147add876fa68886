"""Recipes of Caliper events; see ``native.recipes``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.statements.identifiers import CALIPER_EVENTS
from log_replay.statements.native import times
from log_replay.statements.native.caliper import objects, problems, targets
from log_replay.statements.native.caliper.envelope import person, template_of
from log_replay.statements.native.caliper.event import PARTS_OF, course_members
from log_replay.statements.native.parts import CachedParts, paths_of
from log_replay.statements.native.recipes import LineRecipe
from log_replay.statements.native.steps import (
    ACTOR,
    ID,
    MILLISECONDS,
    Step,
    begin_object,
    duration,
    either,
    equal,
    flat,
    missing,
    number,
    optional,
    present,
    session,
    string,
    text,
    valid_duration,
)
from log_replay.statements.native.usage_keys import video_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_replay.records import Event
    from log_replay.statements.native.caliper.event import CaliperTransform
    from log_replay.statements.native.parts import CachedCourses, Rejection
    from log_replay.statements.native.platform import Platform

NO_TIME: Rejection = ("ValueError", "time is missing")
NO_ZONE: Rejection = ("TypeError", times.NO_ZONE)
#: The steps of parts whose values differ from event to event.
STEPS: dict[Callable[..., Any], tuple[Step, ...]] = {
    targets.media_location: (
        text(targets.MEDIA_LOCATION.encode()),
        duration("data.currentTime", "data.current_time", before=b',"currentTime":"', after=b'"', without=b""),
        text(b"}"),
    ),
    targets.seek: (
        text(targets.MEDIA_LOCATION.encode()),
        duration("data.currentTime", "data.old_time", before=b',"currentTime":"', after=b'"', without=b""),
        valid_duration("data.current_time"),
        text(b',"extensions":{'),
        duration("data.new_time", before=b'"newTime":"', after=b'"', without=b""),
        text(b"}}"),
    ),
}


def _usual_steps(object_: Callable[..., Any], platform: Platform, cached: CachedParts) -> tuple[Step, ...] | None:
    """Return the steps of usual events for an object, or None if there are few, so that a cache is enough."""

    def prefix(event: Event) -> bytes | None:
        return video_prefix(event.course_id)

    def course(event: Event) -> bytes:
        return course_members(event.course_id, platform).extensions.encode()

    def part_of(event: Event) -> bytes:
        return course_members(event.course_id, platform).part_of.encode()

    before_block = begin_object(platform.iri("xblock", ""))
    in_course = cached.step(course_members, course, ("context.course_id",))
    if object_ is objects.video:
        return (
            before_block,
            present("data.id"),
            cached.step(video_prefix, prefix, ("context.course_id",)),
            string("data.id"),
            text(b'","type":"VideoObject"'),
            in_course,
            duration("data.duration", before=b',"duration":"', after=b'"}'),
        )
    if object_ in problems.TYPES:
        type_ = text(b'","type":"%b"' % problems.TYPES[object_].encode())
        return (before_block, string("data.problem_id"), type_, in_course, text(b"}"))
    if object_ in objects.PAGES:
        return (
            text(b'{"id":"'),
            string("data.target_url"),
            text(b'"'),
            optional("data.target_name", before=b',"name":"', after=b'"'),
            text(b',"type":"%b"' % objects.PAGES[object_].encode()),
            in_course,
            text(b"}"),
        )
    if object_ in objects.UNITS:
        type_name, constant_target = objects.UNITS[object_]
        target = either(
            (text(b',"target":'), number("data.target_tab")),
            (optional("data.target_tab", before=b',"target":"', after=b'"'),),
        )
        return (
            before_block,
            string("data.id"),
            text(b'","type":"%b","name":"Unit","extensions":{"tab_count":' % type_name.encode()),
            number("data.tab_count"),
            text(b',"current_tab":'),
            number("data.current_tab"),
            text(constant_target.encode()) if constant_target else target,
            cached.step(objects.unit, part_of, ("context.course_id",)),
            text(b"}}"),
        )
    return None


def _attempt(platform: Platform, cached: CachedParts) -> tuple[Step, ...]:
    """Return the steps that write ``problems.attempt``."""

    def part_of(event: Event) -> bytes | None:
        return course_members(event.course_id, platform).part_of[1:].encode() or None

    before_block = begin_object(platform.iri("xblock", ""))
    before_id, after_id = person("/", platform).encode().split(b'//"')
    return (
        before_block,
        string("data.problem_id"),
        text(b"/user/"),
        ACTOR,
        text(b"/attempt/"),
        number("data.attempts"),
        text(b'","type":"Attempt","extensions":{'),
        cached.step(problems.attempt, part_of, ("context.course_id",)),
        text(b',"assignee":%b/' % before_id),
        ACTOR,
        text(b'"%b,"assignable":' % after_id),
        before_block,
        string("data.problem_id"),
        text(b'","type":"Assessment"},"count":'),
        number("data.attempts"),
        text(b"}}"),
    )


def recipes_of(
    transforms: Mapping[str, CaliperTransform], platform: Platform, courses: CachedCourses
) -> dict[str, LineRecipe]:
    """Return the recipes by event name. An event has none if a part of its Caliper events has no steps."""
    cached = CachedParts()
    recipes = {name: _recipe_of(name, made, platform, courses, cached) for name, made in transforms.items()}
    return {name: recipe for name, recipe in recipes.items() if recipe}


def _recipe_of(
    name: str, transform: CaliperTransform, platform: Platform, courses: CachedCourses, cached: CachedParts
) -> LineRecipe | None:
    if transform is problems.problem_check:
        # Graded attempts are logged without an event source in the context; see ``problems.problem_check``.
        submitted = _steps_of(problems.submitted, platform, courses, cached)
        graded = _steps_of(problems.graded, platform, courses, cached)
        if submitted is None or graded is None:
            return None
        source = "context.event_source"
        steps: tuple[Step, ...] | None = (either((missing(source), *submitted), (equal(source, b"server"), *graded)),)
    else:
        steps = _steps_of(transform, platform, courses, cached)
    if steps is None:
        return None
    return LineRecipe(name, CALIPER_EVENTS.new_digest, None, None, steps, no_time=NO_TIME, no_zone=NO_ZONE)


def _steps_of(
    transform: CaliperTransform, platform: Platform, courses: CachedCourses, cached: CachedParts
) -> tuple[Step, ...] | None:
    """Return the steps of the Caliper event that a transform gives, or None if a part has no steps."""
    parts = PARTS_OF.get(transform)
    if parts is None or parts.extensions:
        return None

    def steps_of(member: bytes, part: Callable[..., Any] | None, *, of_fields: bool = True) -> tuple[Step, ...] | None:
        if part is None:
            return ()
        paths = paths_of(part)
        if paths is None:
            steps = STEPS.get(part)
            return None if steps is None else (text(member), *steps)

        def call(event: Event) -> bytes:
            result: str = part(event.fields) if of_fields else part(event, platform, courses)
            return result.encode()

        any_event = (text(member), cached.step(part, call, paths))
        usual = None if of_fields else _usual_steps(part, platform, cached)
        return (either((text(member), *usual), any_event),) if usual else any_event

    if parts.object is problems.attempt:
        object_: tuple[Step, ...] | None = _attempt(platform, cached)
    else:
        object_ = steps_of(b"", parts.object, of_fields=False)
    target, generated = steps_of(b',"target":', parts.target), steps_of(b',"generated":', parts.generated)
    if object_ is None or target is None or generated is None:
        return None
    template = template_of(parts.event_type, platform)
    return flat(
        (
            (text(template.before_send_time), MILLISECONDS, text(template.before_event_time), MILLISECONDS),
            (text(template.before_actor), ACTOR, text(template.after_actor)),
            (session(template.before_session, template.after_session), text(template.before_extensions)),
            (text(b'},"object":'), *object_, *target, *generated),
            (text(b',"id":"'), ID, text(template.after_id)),
        )
    )
