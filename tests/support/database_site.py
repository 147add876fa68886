"""The standalone settings with everything in one database of a server, as in an LMS."""

from __future__ import annotations

import json
import os

from log_replay.standalone.settings import *  # noqa: F403 - a settings module

DATABASES = {"default": json.loads(os.environ["TESTS_DATABASE"])}
FERNET_KEYS = ["a key of the tests"]
