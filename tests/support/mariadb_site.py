"""The standalone settings with everything in one MariaDB database, as in an LMS."""

from __future__ import annotations

import os

from log_replay.standalone.settings import *  # noqa: F403 - a settings module

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "edxapp",
        "USER": "root",
        "HOST": "localhost",
        "OPTIONS": {"unix_socket": os.environ["MARIADB_SOCKET"], "charset": "utf8mb4"},
    }
}
FERNET_KEYS = ["a key of the tests"]
