"""Objects: what a Caliper event is about."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.caliper.envelope import json_of
from log_replay.statements.native.caliper.event import BLOCKS, course_named, member
from log_replay.statements.native.fields import UnsupportedEvent, course_id_of, required, required_at, text, value_at
from log_replay.statements.native.times import caliper_duration
from log_replay.statements.native.usage_keys import video_key

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event
    from log_replay.statements.native.caliper.event import Object
    from log_replay.statements.native.platform import Platform


def course(event: Event, platform: Platform, identities: Identities) -> str:
    """Return the course, and the mode in which the learner takes it.

    Raises:
        UnknownIdentity: the platform does not know the course.
    """
    fields = event.fields
    name = identities.course_name(required(course_id_of(event)))
    iri = json_of(platform.iri("course", required_at(fields, "data", "course_id")))
    mode = value_at(fields, "data", "mode")
    extensions = "" if mode is None else f',"extensions":{{{member("mode", mode)[1:]}}}'
    return f'{{"id":{iri},"type":"CourseOffering"{member("name", name)}{extensions}}}'


def video(event: Event, platform: Platform, _identities: Identities) -> str:
    """Return the video and its length."""
    data = event.fields["data"]
    video_id = data["id"]
    make = _video if type(video_id) is str else _video.__wrapped__  # 1, 1.0 and True are one key of the cache
    return make(video_id, data.get("duration", 0), event.course_id, platform)


def page(object_type: str) -> Object:
    """Return what makes the object that a link or an entry of the outline leads to."""

    def followed(event: Event, platform: Platform, _identities: Identities) -> str:
        data = event.fields["data"]
        target, name = member("id", data["target_url"]), member("name", data.get("target_name"))
        if not target:
            raise UnsupportedEvent
        return f'{{{target[1:]}{name},"type":"{object_type}"{course_named(event.course_id, platform).extensions}}}'

    return followed


def unit(object_type: str, target: str | None = None) -> Object:
    """Return what makes the object of a move within a sequence: to ``target``, or to the tab that the event names."""
    there = member("target", target)

    def moved(event: Event, platform: Platform, _identities: Identities) -> str:
        data = event.fields["data"]
        key, count, current = data["id"], data.get("tab_count"), data.get("current_tab")
        make = _unit if type(key) is str else _unit.__wrapped__
        begun, part_of = make(object_type, key, event.course_id, platform)
        chosen = there or member("target", data.get("target_tab"))
        if type(count) is int and type(current) is int:  # as browsers say it
            return f'{begun},"extensions":{{"tab_count":{count},"current_tab":{current}{chosen}{part_of}}}}}'
        extensions = f"{member('tab_count', count)}{member('current_tab', current)}{chosen}{part_of}"
        return f'{begun},"extensions":{{{extensions[1:]}}}}}'

    return moved


@lru_cache(maxsize=BLOCKS)
def _video(video_id: Any, seconds: Any, course_id: Any, platform: Platform) -> str:
    # Lengths may be keys of the cache whatever they are: those that are equal are spelled alike.
    if not video_id and video_id != 0:
        raise UnsupportedEvent
    key = video_key(text(course_id or None), video_id)
    length = caliper_duration(seconds)
    duration = "" if length is None else f',"duration":"{length}"'
    iri = json_of(platform.iri("xblock", key))
    return f'{{"id":{iri},"type":"VideoObject"{course_named(course_id, platform).extensions}{duration}}}'


@lru_cache(maxsize=BLOCKS)
def _unit(object_type: str, key: Any, course_id: Any, platform: Platform) -> tuple[str, str]:
    """Return a unit up to its extensions, and the last of them."""
    if not key and key != 0:
        raise UnsupportedEvent
    iri = json_of(platform.iri("xblock", key))
    return f'{{"id":{iri},"type":"{object_type}","name":"Unit"', course_named(course_id, platform).part_of
