"""Objects: what a Caliper event is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.statements.native.blocks import video_key
from log_replay.statements.native.caliper.event import part_of_course, present
from log_replay.statements.native.reading import course_id_of, look, look_required, required
from log_replay.statements.native.times import caliper_duration

if TYPE_CHECKING:
    from log_replay.lms import Identities
    from log_replay.records import Event
    from log_replay.statements.native.caliper.event import Object
    from log_replay.statements.native.platform import Platform

Json = dict[str, Any]


def course(event: Event, platform: Platform, identities: Identities) -> Json:
    """Return the course, and the mode in which the learner takes it.

    Raises:
        UnknownIdentity: the platform does not know the course.
    """
    fields = event.fields
    name = identities.course_name(required(course_id_of(event)))
    iri = platform.iri("course", look_required(fields, "data", "course_id"))
    made: Json = {"id": iri, "type": "CourseOffering", **present({"name": name})}
    mode = look(fields, "data", "mode")
    if mode is not None:
        made["extensions"] = present({"mode": mode})
    return made


def video(event: Event, platform: Platform, _identities: Identities) -> Json:
    """Return the video and its length."""
    fields = event.fields
    key = video_key(required(course_id_of(event)), look_required(fields, "data", "id"))
    made: Json = {
        "id": platform.iri("xblock", key),
        "type": "VideoObject",
        "extensions": part_of_course(event, platform),
    }
    length = caliper_duration(fields["data"].get("duration", 0))
    if length is not None:
        made["duration"] = length
    return made


def page(object_type: str) -> Object:
    """Return what makes the object that a link or an entry of the outline leads to."""

    def followed(event: Event, platform: Platform, _identities: Identities) -> Json:
        fields = event.fields
        target, name = look_required(fields, "data", "target_url"), look(fields, "data", "target_name")
        made = {**present({"id": target, "name": name}), "type": object_type}
        course_extension = part_of_course(event, platform)
        return {**made, "extensions": course_extension} if course_extension else made

    return followed


def unit(object_type: str, target: str | None = None) -> Object:
    """Return what makes the object of a move within a sequence: to ``target``, or to the tab that the event names."""

    def moved(event: Event, platform: Platform, _identities: Identities) -> Json:
        fields = event.fields
        key = look_required(fields, "data", "id")
        made: Json = {"id": platform.iri("xblock", key), "type": object_type, "name": "Unit"}
        made["extensions"] = {
            **present(
                {
                    "tab_count": look(fields, "data", "tab_count"),
                    "current_tab": look(fields, "data", "current_tab"),
                    "target": target or look(fields, "data", "target_tab"),
                }
            ),
            **part_of_course(event, platform),
        }
        return made

    return moved
