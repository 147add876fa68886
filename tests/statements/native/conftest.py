"""Upstream and the native functions, side by side on the sample directory's people and courses."""

from __future__ import annotations

import hashlib
import json
import logging

import pytest
import sample_directory as who

from log_replay.events import UnparsableLine, parse_event
from log_replay.lms import User
from log_replay.lms.directory import Directory
from log_replay.records import Position
from log_replay.statements.native import NativeTransformer
from log_replay.statements.upstream import UpstreamTransformer, identities_answer

KINDS = ("xapi", "caliper")


class SampleLookup:
    """The sample directory, where the LMS's tables would be."""

    def __init__(self, kind):
        sample = who.sample_directory()
        self._users = [User(user["id"], user["username"], user["email"]) for user in sample["users"]]
        self._external_ids = {
            user["id"]: user["external_ids"][kind] for user in sample["users"] if kind in user["external_ids"]
        }
        self._courses = {course["id"]: course["display_name"] for course in sample["courses"]}

    def users(self, ids, usernames):
        return [user for user in self._users if user.id in ids or user.username in usernames]

    def retired_usernames(self, username):
        salted = (who.SALT + username.lower()).encode(errors="surrogatepass")
        return [f"retired__user_{hashlib.sha1(salted).hexdigest()}"]

    def external_ids(self, user_ids):
        return {user_id: self._external_ids[user_id] for user_id in user_ids if user_id in self._external_ids}

    def add_external_ids(self, user_ids):
        return {}

    def course_names(self, course_keys):
        return {str(key): self._courses[str(key)] for key in course_keys if str(key) in self._courses}


def logged(raw, offset=0):
    """Return the event of a raw event, or None where no line of a log can hold it."""
    try:
        return parse_event(json.dumps(raw).encode(), Position("tracking.log", offset))
    except UnparsableLine:
        return None


def outcome(make):
    """Return what a call returns, or the exception that it raises."""
    try:
        return make()
    except Exception as error:
        return error


class Sides:
    """One kind of statements, made natively and by upstream."""

    def __init__(self, kind, **options):
        self.kind = kind
        self.identities = Directory(SampleLookup(kind))
        self.upstream = UpstreamTransformer(kind)
        self.native = self.transformer(**options)

    def transformer(self, **options):
        return NativeTransformer(self.upstream, self.kind, **options)

    def parsed(self, raw):
        return logged(raw)

    def made_natively(self, raw):
        return outcome(lambda: self.native.transform(logged(raw), self.identities))

    def made_by_upstream(self, raw):
        # From an event of its own: some of upstream's transformers change what they are given.
        return outcome(lambda: self.upstream.transform(logged(raw), self.identities))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def sides(kind):
    made = Sides(kind)
    # Upstream's warnings name learners, and there are thousands here.
    logging.getLogger("event_routing_backends").setLevel(logging.CRITICAL)
    with identities_answer(made.identities):
        yield made
    logging.getLogger("event_routing_backends").setLevel(logging.NOTSET)
