"""The scene of an event: user, course and time; and the ids derived from them."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

USER_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0",
)


class Scene(NamedTuple):
    """The user, course and time of an event. Scenes with different ``number`` have different contents."""

    user_id: Any = 3
    username: Any = "ada"
    course_id: Any = "course-v1:ExampleX+ASTRO101+2026_Spring"
    time: Any = "2026-03-02T08:15:27.913562+00:00"
    session: str = "6f1c2b7e0a9d4c58b3e7f2a4d6c8e0b1"
    ip: str = "172.18.0.1"
    number: int = 1
    other_id: Any = 4
    other_username: Any = "basil"

    @property
    def org_id(self) -> str:
        """The course's organisation, as in the context of the LMS's events."""
        return self.course_id.rpartition(":")[2].replace("/", "+").split("+")[0]


def hex_id(kind: str, scene: Scene) -> str:
    """Return 32 hex digits, derived from the course, the kind of id and the number (modulo 40)."""
    return hashlib.sha1(f"{scene.course_id}/{kind}/{scene.number % 40}".encode()).hexdigest()[:32]


def usage_key(scene: Scene, block_type: str) -> str:
    """Return the usage key of a block in the scene's course, in the format of the course id."""
    block = hex_id(block_type, scene)
    scheme, colon, run = scene.course_id.partition(":")
    if not colon:
        org, course, *_ = [*scene.course_id.split("/"), "", ""]
        return f"i4x://{org}/{course}/{block_type}/{block}"
    prefix = {"course-v1": "block-v1", "ccx-v1": "ccx-block-v1"}.get(scheme, scheme)
    return f"{prefix}:{run}+type@{block_type}+block@{block}"
