"""Objects of Caliper events: courses, videos, pages and units."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.caliper.envelope import json_of
from log_replay.statements.native.caliper.event import CACHED_BLOCKS, course_members, may_be_cached, member
from log_replay.statements.native.fields import UpstreamRejects, course_id_of, required_at, value_at
from log_replay.statements.native.parts import reads
from log_replay.statements.native.times import caliper_duration
from log_replay.statements.native.usage_keys import video_key

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event
    from log_replay.statements.native.caliper.event import Object
    from log_replay.statements.native.platform import Platform


#: The types of pages, and the types and constant targets of units, by the function that returns the object.
PAGES: dict[Object, str] = {}
UNITS: dict[Object, tuple[str, str]] = {}


@reads("context.course_id", "data.course_id", "data.mode")
def course(event: Event, platform: Platform, identities: Identities) -> str:
    """Return the course, with the mode of the learner's enrolment.

    Raises:
        UnknownIdentity: the platform has no such course.
    """
    fields = event.fields
    course_id = course_id_of(event)
    if course_id is None:
        raise UpstreamRejects("InvalidKeyError", "context.course_id is missing")
    name = identities.course_name(course_id)
    iri = json_of(platform.iri("course", required_at(fields, "data", "course_id")))
    mode = value_at(fields, "data", "mode")
    extensions = "" if mode is None else f',"extensions":{{{member("mode", mode)[1:]}}}'
    return f'{{"id":{iri},"type":"CourseOffering"{member("name", name)}{extensions}}}'


@reads("context.course_id", "data.id", "data.duration")
def video(event: Event, platform: Platform, _identities: Identities) -> str:
    """Return the video, with its length."""
    data = _data(event)
    video_id = data.get("id")
    duration = data.get("duration", 0)
    # Equal lengths give the same text.
    cached = may_be_cached(video_id, event.course_id) and duration.__hash__ is not None
    return (_cached_video if cached else _video)(video_id, duration, event.course_id, platform)


def page(object_type: str) -> Object:
    """Return the function that returns the target of a link or of an entry of the outline."""

    @reads("context.course_id", "data.target_url", "data.target_name")
    def page_of_type(event: Event, platform: Platform, _identities: Identities) -> str:
        data = _data(event)
        id_, name = member("id", data.get("target_url")), member("name", data.get("target_name"))
        if not id_:
            raise UpstreamRejects("ValueError", "event.target_url is missing")
        return f'{{{id_[1:]}{name},"type":"{object_type}"{course_members(event.course_id, platform).extensions}}}'

    PAGES[page_of_type] = object_type
    return page_of_type


def unit(object_type: str, target: str | None = None) -> Object:
    """Return the function that returns the object of a move in a sequence.

    Args:
        object_type: the type of the object.
        target: the target of the move; the event's ``target_tab`` by default.
    """
    constant_target = member("target", target)

    @reads("context.course_id", "data.id", "data.tab_count", "data.current_tab", "data.target_tab")
    def unit_of_type(event: Event, platform: Platform, _identities: Identities) -> str:
        data = _data(event)
        key, count, current = data.get("id"), data.get("tab_count"), data.get("current_tab")
        unit_of = _cached_unit if may_be_cached(key, event.course_id) else _unit
        begin, part_of = unit_of(object_type, key, event.course_id, platform)
        target_member = constant_target or member("target", data.get("target_tab"))
        if type(count) is int and type(current) is int:  # the usual case, without calls
            return f'{begin},"extensions":{{"tab_count":{count},"current_tab":{current}{target_member}{part_of}}}}}'
        extensions = f"{member('tab_count', count)}{member('current_tab', current)}{target_member}{part_of}"
        return f'{begin},"extensions":{{{extensions[1:]}}}}}'

    UNITS[unit_of_type] = object_type, constant_target
    return unit_of_type


def _data(event: Event) -> dict[str, Any]:
    """Return the event's data, in which upstream requires an id."""
    data = event.fields["data"]
    if type(data) is not dict:
        raise UpstreamRejects("ValueError", "event is not an object")
    return data


def _video(video_id: Any, seconds: Any, course_id: Any, platform: Platform) -> str:
    if (not video_id and video_id != 0) or (not course_id and course_id != 0):
        raise UpstreamRejects("ValueError", "the video or the course has no id")
    if not isinstance(course_id, str):
        raise UpstreamRejects("AttributeError", "context.course_id is not a text")
    key = video_key(course_id, video_id)
    length = caliper_duration(seconds)
    duration = "" if length is None else f',"duration":"{length}"'
    iri = json_of(platform.iri("xblock", key))
    return f'{{"id":{iri},"type":"VideoObject"{course_members(course_id, platform).extensions}{duration}}}'


_cached_video = lru_cache(maxsize=CACHED_BLOCKS)(_video)


def _unit(object_type: str, key: Any, course_id: Any, platform: Platform) -> tuple[str, str]:
    """Return the JSON of a unit before its extensions, and the last of the extensions."""
    if not key and key != 0:
        raise UpstreamRejects("ValueError", "the block has no id")
    iri = json_of(platform.iri("xblock", key))
    return f'{{"id":{iri},"type":"{object_type}","name":"Unit"', course_members(course_id, platform).part_of


_cached_unit = lru_cache(maxsize=CACHED_BLOCKS)(_unit)
