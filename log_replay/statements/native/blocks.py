"""The ids of courses and blocks, made of what events say of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlparse

from log_replay.statements.native.reading import UnsupportedEvent, UpstreamRejects, text


def video_key(course_id: str, video_id: Any) -> str:
    """Return the usage key of a video.

    Raises:
        UpstreamRejects: the course id is an old-style one, of which upstream cannot make usage keys.
    """
    if ":" not in course_id:
        raise UpstreamRejects("IndexError")
    return f"{_block_prefix(course_id, 'video')}{video_id}"


def problem_of_page(referrer: Any, data: Any, course_id: Any) -> str:
    """Return the usage key of the problem that a browser event is about: where its page says, or its inputs' names."""
    named = _activated_block(text(referrer))
    if named:
        return named
    parts = text(data).split("_")
    if len(parts) == 1 or ":" not in text(course_id):
        raise UnsupportedEvent
    return _block_prefix(course_id, "problem") + parts[1]


@lru_cache(maxsize=1024)
def _activated_block(page: str) -> str | None:
    """Return the block that the address of a page of courseware names."""
    named = parse_qs(urlparse(page).query).get("activate_block_id")
    return named[0] if named else None


@lru_cache(maxsize=1024)
def _block_prefix(course_id: str, block_type: str) -> str:
    """Return a usage key up to the block's own id, such as ``block-v1:edX+DemoX+Demo+type@video+block@``."""
    scheme, run, *_ = course_id.split(":")
    version = f"block-{scheme.rpartition('-')[2]}"
    if "ccx" in scheme:
        version = f"ccx-{version}"
    return f"{version}:{run}+type@{block_type}+block@"
