"""The shape of an event that the native code does not support: what is needed to report it, without any content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from log_replay.records import Event

#: The fields that transforms read, by section. The names of other fields may contain learner data.
READ_FIELDS = {
    "": ("timestamp", "session", "username", "user_id", "referer", "event_source"),
    "context": ("course_id", "user_id", "username", "session", "path", "referer", "event_source", "module"),
    "data": (
        "id", "user_id", "username", "course_id", "duration", "current_time", "currentTime", "old_time", "new_time",
        "old_speed", "new_speed", "title", "discussion", "thread_type", "vote_value", "weighted_earned",
        "weighted_possible", "percent_grade", "letter_grade", "problem_id", "module_id", "usage_key", "target_url",
        "target_name", "current_tab", "target_tab", "tab_count", "completion", "attempts", "grade", "max_grade",
        "success", "submission", "answers", "display_name", "hint_index", "exam_name", "attempt_code", "mode",
    ),
}  # fmt: skip
JSON_TYPES = {str: "text", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}


def shape_of(event: Event, error: Exception) -> str:
    """Return the name and the shape of an event, and where the native code failed.

    For example ``problem_check: KeyError in _definition; timestamp text, context {course_id text}, data text``.
    """
    fields = event.fields
    parts = [_members(fields, "")]
    for section in ("context", "data"):
        value = fields.get(section)
        parts.append(f"{section} {{{_members(value, section)}}}" if isinstance(value, dict) else _field(section, value))
    return f"{event.name}: {type(error).__name__} in {_place(error.__traceback__)}; {', '.join(filter(None, parts))}"


def _members(holder: dict[str, Any], section: str) -> str:
    return ", ".join(_field(key, holder[key]) for key in READ_FIELDS[section] if key in holder)


def _field(key: str, value: Any) -> str:
    type_ = "null" if value is None else JSON_TYPES.get(type(value), "other")
    is_empty = isinstance(value, str | list | dict) and not value
    return f"{key} empty {type_}" if is_empty else f"{key} {type_}"


def _place(traceback: TracebackType | None) -> str:
    """Return the name of the function that raised the error."""
    place = ""
    while traceback:
        place, traceback = traceback.tb_frame.f_code.co_name, traceback.tb_next
    return place
