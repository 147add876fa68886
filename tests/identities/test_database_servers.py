"""Look-ups of users and courses in MariaDB and PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from log_replay.identities.ranges import uuid_text
from tests.support import database_servers, sample_identities

SCRIPT = """
import json, sys
import django; django.setup()
from opaque_keys.edx.keys import CourseKey
from log_replay.identities.database import DatabaseLookup, lms_models
wanted = json.load(sys.stdin)
lookup = DatabaseLookup(lms_models(), "xapi", add=False)
by_mail = DatabaseLookup(lms_models(), None, add=False)
print(json.dumps({
    "by id": lookup.users(wanted["ids"], ()),
    "by username": lookup.users((), wanted["usernames"]),
    "by both": sorted(lookup.users(wanted["ids"][:2], [*wanted["usernames"][2:], "nobody"])),
    "by mail": by_mail.users(wanted["ids"], ()),
    "in a range": lookup.external_ids(range(0, 1000)),
    "courses": lookup.course_names([*map(CourseKey.from_string, wanted["courses"])]),
}))
"""


@pytest.mark.parametrize("open_server", [database_servers.mariadb, database_servers.postgresql])
def test_users_and_courses_are_those_of_the_tables(open_server, tmp_path):
    sample = sample_identities.sample_identities()
    users = [
        [user["id"], user["username"], user["email"], user["external_ids"].get("xapi")]
        for user in sorted(sample["users"], key=lambda user: user["id"])
    ]
    courses = {course["id"]: course["display_name"] for course in sample["courses"]}
    wanted = {"ids": [user[0] for user in users], "usernames": [user[1] for user in users], "courses": [*courses]}
    with open_server(tmp_path, sample) as server:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=server.environment, input=json.dumps(wanted).encode(),
            capture_output=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads(done.stdout)
    assert sorted(found["by id"]) == sorted(found["by username"]) == found["by both"] == users
    assert sorted(found["by mail"]) == [[*user[:3], None] for user in users]
    in_range = [[user_id, uuid_text(text)] for user_id, text in sorted(found["in a range"])]
    assert in_range == [[user[0], user[3]] for user in users if user[3]]
    assert found["courses"] == courses
