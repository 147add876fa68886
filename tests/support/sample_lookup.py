"""The sample directory's people and courses, where the LMS's tables would be."""

from __future__ import annotations

import hashlib

from log_replay.identities import User
from tests.support import sample_identities as who


class SampleLookup:
    """Answers as ``log_replay.identities.cache.Lookup``, for one kind of external ids."""

    def __init__(self, kind):
        sample = who.sample_identities()
        self._users = [
            User(user["id"], user["username"], user["email"], user["external_ids"].get(kind))
            for user in sample["users"]
        ]
        self._courses = {course["id"]: course["display_name"] for course in sample["courses"]}

    def users(self, ids, usernames):
        return [user for user in self._users if user.id in ids or user.username in usernames]

    def retired_usernames(self, username):
        salted = (who.SALT + username.lower()).encode(errors="surrogatepass")
        return [f"retired__user_{hashlib.sha1(salted).hexdigest()}"]

    def add_external_ids(self, user_ids):
        return {}

    def course_names(self, course_keys):
        return {str(key): self._courses[str(key)] for key in course_keys if str(key) in self._courses}
