"""Changes of raw events, as other users, courses, clients and releases of Open edX log them."""

from __future__ import annotations

import json
from typing import Any

RawEvent = dict[str, Any]

BROWSER_CONTEXT: RawEvent = {
    "client_id": "1539263137.1772323200",
    "course_user_tags": {f"xblock.partition_service.partition_{1000 + n}": str(n * 7919) for n in range(12)},
    "experiments": {f"experiment_{n}": {"bucket": n % 3, "name": "courseware.new_header"} for n in range(4)},
}

MOBILE_CONTEXT: RawEvent = {
    "component": "videoplayer",
    "received_at": "2026-03-01T00:00:01.000000+00:00",
    "application": {"name": "edx.mobileapp.android", "version": "4.2.1", "packageName": "org.example.learning"},
    "client": {
        "network": {"carrier": "Ünicom", "cellular": False, "wifi": True, "bluetooth": False},
        "locale": "pt-BR",
        "timezone": "America/Sao_Paulo",
        "library": {"name": "analytics-android", "version": "4.9.0"},
        "device": {"manufacturer": "Google", "model": "Pixel 7", "type": "android", "name": "panther"},
        "screen": {"width": 1080, "height": 2205, "density": 2.625},
        "os": {"name": "Android", "version": "14"},
        "traits": {},
    },
}


def long_context(raw: RawEvent) -> None:
    """Add the fields of plug-ins and experiments to the context of browser events."""
    if raw["event_source"] == "browser":
        raw["context"] |= BROWSER_CONTEXT


def mobile_context(raw: RawEvent) -> None:
    """Add the fields of mobile apps to the context of their events."""
    if raw["event_source"] != "mobile":
        return
    course = raw["context"].get("course_id")
    url = f"https://lms.example.com/courses/{course}/courseware/chapter/section/1?activate_block_id=video"
    raw["context"] |= MOBILE_CONTEXT | {"open_in_browser_url": url, "label": "videoplayer"}


def anonymous(raw: RawEvent) -> None:
    """Remove the user, as in events of visitors who are not logged in."""
    raw["username"] = ""
    raw["context"]["user_id"] = None


def only_username(raw: RawEvent) -> None:
    """Remove the user id, as in old events."""
    raw["context"].pop("user_id", None)


def without_name(raw: RawEvent) -> None:
    """Remove the fields that events before 2014 do not have."""
    for field in ("name", "referer", "accept_language"):
        raw.pop(field, None)
    for field in ("path", "enterprise_uuid", "asides"):
        raw["context"].pop(field, None)


def old_video_id(raw: RawEvent) -> None:
    """Give a video the id that it has in the HTML of old courses."""
    org, slash, course = raw["context"].get("course_id", "").partition("/")
    data = raw["event"]
    if slash and "video" in raw["event_type"] and isinstance(data, str) and data.startswith('{"id"'):
        fields = json.loads(data)
        raw["event"] = json.dumps(fields | {"id": f"i4x-{org}-{course.partition('/')[0]}-video-{fields['id']}"})
