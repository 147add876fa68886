"""Usage keys of videos and problems, derived from the ids in events."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from log_replay.statements.native.fields import UpstreamRejects, text
from log_replay.statements.serialise import quoted


def video_key(course_id: str, video_id: Any) -> str:
    """Return the usage key of a video.

    Raises:
        UpstreamRejects: the course id is an old-style one, which upstream does not support.
    """
    if ":" not in course_id:
        raise UpstreamRejects("IndexError", "the course id has the old form Org/Course/Run")
    return f"{block_prefix(course_id, 'video')}{video_id}"


def video_prefix(course_id: Any) -> bytes | None:
    """Return a video's usage key up to the video's id, as JSON has it inside a string; None for an unusual course id.

    Raises:
        UpstreamRejects: the course id is an old-style one.
    """
    return quoted(video_key(course_id, ""))[1:-1] if isinstance(course_id, str) and course_id else None


def problem_key_from_page(referer: Any, data: Any, course_id: Any) -> str | None:
    """Return the usage key of a browser event's problem, from the page's address or else the names of the inputs.

    It is None if neither has it, as in an empty form, or if the course id is an old-style one.

    Raises:
        UpstreamRejects: the data is not empty and not a text, or the course id is not a text.
    """
    page = text(referer)
    key = block_of_page(page)
    if key:
        return key
    if (not data and data != 0) or (not course_id and course_id != 0):
        return None
    if not isinstance(data, str) or not isinstance(course_id, str):
        raise UpstreamRejects("AttributeError", "event or context.course_id is not a text")
    parts = data.split("_")
    if ":" not in course_id or len(parts) == 1:
        return None
    return block_prefix(course_id, "problem") + parts[1]


def block_of_page(page: str) -> str | None:
    """Return the usage key in the address of a courseware page, if it has one."""
    return _activated_block(page) if _may_have_block(page) else None


def _may_have_block(page: str) -> bool:
    """Return False for most addresses without a usage key. To parse an address takes 5 us.

    An address with other characters may be invalid, or have the parameter's name in an encoded form.
    """
    return "activate_block_id" in page or not page.isascii() or not page.isprintable() or not _OTHERS.isdisjoint(page)


_OTHERS = frozenset("%[]")
_BRACKETS = frozenset("[]")


@lru_cache(maxsize=1024)
def _activated_block(page: str) -> str | None:
    """Return the usage key in the address of a courseware page."""
    # The usual addresses, in half of the time.
    if page.isascii() and page.isprintable() and _BRACKETS.isdisjoint(page):
        name, _, value = page.partition("#")[0].partition("?")[2].partition("&")[0].partition("=")
        if name == "activate_block_id" and value:
            return unquote(value.replace("+", " "))
    keys = parse_qs(urlparse(page).query).get("activate_block_id")
    return keys[0] if keys else None


@lru_cache(maxsize=1024)
def block_prefix(course_id: str, block_type: str) -> str:
    """Return a usage key without the block id, such as ``block-v1:edX+DemoX+Demo+type@video+block@``."""
    scheme, run, *_ = course_id.split(":")
    version = f"block-{scheme.rpartition('-')[2]}"
    if "ccx" in scheme:
        version = f"ccx-{version}"
    return f"{version}:{run}+type@{block_type}+block@"
