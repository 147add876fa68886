"""The standalone settings, with a given LMS database that refuses every write."""

from log_replay.standalone.settings import *  # noqa: F403
from log_replay.standalone.settings import DATABASES

DATABASES["lms"]["ENGINE"] = "tests.support.refusing_sqlite"
