"""The sample's users and courses, in place of the LMS's tables."""

from __future__ import annotations

import hashlib

from log_replay.identities import User
from tests.support.sample_identities import SALT, sample_identities


class SampleLookup:
    """A ``log_replay.identities.cache.StatementLookup`` for one type of external ids."""

    def __init__(self, external_id_type):
        sample = sample_identities()
        self._users = [
            User(user["id"], user["username"], user["email"], user["external_ids"].get(external_id_type))
            for user in sample["users"]
        ]
        self._courses = {course["id"]: course["display_name"] for course in sample["courses"]}

    def users(self, ids, usernames):
        return [user for user in self._users if user.id in ids or user.username in usernames]

    def retired_usernames(self, username):
        salted = (SALT + username.lower()).encode(errors="surrogatepass")
        return [f"retired__user_{hashlib.sha1(salted).hexdigest()}"]

    def add_external_ids(self, user_ids):
        return {}

    def course_names(self, course_keys):
        return {str(key): self._courses[str(key)] for key in course_keys if str(key) in self._courses}
