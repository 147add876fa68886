"""The sample's users and courses: fictional users at example.com, courses of two organisations, and a CCX."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

SALT = "sample-salt"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://example.com/log-replay/sample")

ASTRO = "course-v1:ExampleX+ASTRO101+2026_Spring"
REEFS = "course-v1:ExampleX+BIO200+2026_T1"
LINGUISTICS = "course-v1:OrchardU+LING110+2026_Spring"
EVENING_GROUP = "ccx-v1:ExampleX+ASTRO101+2026_Spring+ccx@3"
TEA = "OrchardU/HIST10/2013_Fall"

COURSES = {
    ASTRO: "Astronomy for Everyone",
    REEFS: "Biology of Coral Reefs 🪸",
    LINGUISTICS: "语言学入门: An Introduction to Linguistics",
    EVENING_GROUP: "Astronomy for Everyone, evening group",
    TEA: "A History of Tea",
}

LEARNERS = {3: "ada", 4: "basil", 5: "李雷", 6: "مريم", 7: "devi", 8: "emil", 9: "instructor_ines", 13: "1984"}
WITHOUT_EXTERNAL_ID = {10: "noor"}
XAPI_ONLY = {12: "otto"}
RETIRED = {11: "farah"}


def external_id(kind: str, user_id: int) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{user_id}"))


def user(user_id: int, username: str, kinds: tuple[str, ...], email: str = "") -> dict[str, Any]:
    ids = {kind: external_id(kind, user_id) for kind in kinds}
    email = email or f"user{user_id}@example.com"
    return {"id": user_id, "username": username, "email": email, "external_ids": ids}


def retired_user(user_id: int, username: str) -> dict[str, Any]:
    # In the format of edx-platform's RETIRED_USERNAME_FMT and user_util: the SHA-1 of the salt and the lower-case name.
    digest = hashlib.sha1((SALT + username.lower()).encode()).hexdigest()
    name = f"retired__user_{digest}"
    return user(user_id, name, ("xapi", "caliper"), f"{name}@retired.invalid")


def sample_identities() -> dict[str, Any]:
    """Return the content of the sample's ``identities.json``."""
    users = [user(user_id, name, ("xapi", "caliper")) for user_id, name in LEARNERS.items()]
    users += [user(user_id, name, ()) for user_id, name in WITHOUT_EXTERNAL_ID.items()]
    users += [user(user_id, name, ("xapi",)) for user_id, name in XAPI_ONLY.items()]
    users += [retired_user(user_id, name) for user_id, name in RETIRED.items()]
    courses = [{"id": course_id, "display_name": name} for course_id, name in COURSES.items()]
    return {"users": sorted(users, key=lambda user: user["id"]), "courses": courses, "retired_user_salts": [SALT]}
