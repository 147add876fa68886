"""The scene of an event: who, in which course, when; and the ids that follow from it."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0",
)


class Scene(NamedTuple):
    """Who did something, where and when; ``number`` makes one event's content differ from the next one's."""

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
        """The course's organisation, as the LMS puts it into the context."""
        return self.course_id.rpartition(":")[2].replace("/", "+").split("+")[0]


def hex_id(what: str, scene: Scene) -> str:
    """Return 32 hex digits: the same for the same course, kind and number (of 40)."""
    return hashlib.sha1(f"{scene.course_id}/{what}/{scene.number % 40}".encode()).hexdigest()[:32]


def usage_key(scene: Scene, block_type: str) -> str:
    """Return the id of a block of the scene's course, as its generation of course ids spells it."""
    block = hex_id(block_type, scene)
    scheme, colon, run = scene.course_id.partition(":")
    if not colon:
        org, course, *_ = [*scene.course_id.split("/"), "", ""]
        return f"i4x://{org}/{course}/{block_type}/{block}"
    prefix = {"course-v1": "block-v1", "ccx-v1": "ccx-block-v1"}.get(scheme, scheme)
    return f"{prefix}:{run}+type@{block_type}+block@{block}"
