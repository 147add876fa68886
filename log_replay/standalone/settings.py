"""Django settings for use without an LMS. Everything an operator may want to change is an environment variable.

LOG_REPLAY_HOME                    state (default ~/.local/share/log-replay)
LOG_REPLAY_DATABASE_URL            the LMS's database, best a read replica (default a SQLite file in the above)
LOG_REPLAY_LMS_ROOT_URL            what statements call the LMS (default http://localhost:18000)
LOG_REPLAY_XAPI_AGENT_IFI_TYPE     external_id (default), mbox or mbox_sha1sum
LOG_REPLAY_RETIRED_USER_SALTS      the LMS's RETIRED_USER_SALTS, separated by commas
LOG_REPLAY_RETIRED_USERNAME_PREFIX the LMS's RETIRED_USERNAME_PREFIX (default retired__user_)
LOG_REPLAY_FERNET_KEYS             the LMS's FERNET_KEYS, separated by commas, to read RouterConfiguration with
LOG_REPLAY_SECRET_KEY              the LMS's SECRET_KEY, where FERNET_KEYS is not set there
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import dj_database_url
from event_routing_backends.settings.common import plugin_settings

LOG_REPLAY_STANDALONE = True
LOG_REPLAY_HOME = Path(os.environ.get("LOG_REPLAY_HOME") or "~/.local/share/log-replay").expanduser()


def _listed(name: str) -> list[str]:
    return [value.strip() for value in os.environ.get(name, "").split(",") if value.strip()]


SECRET_KEY = os.environ.get("LOG_REPLAY_SECRET_KEY") or "log-replay signs nothing"
if _listed("LOG_REPLAY_FERNET_KEYS"):
    FERNET_KEYS = _listed("LOG_REPLAY_FERNET_KEYS")

INSTALLED_APPS = [
    "log_replay",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "event_routing_backends",
]

# "default" is our own state; "lms" is where users, courses and routes are. Unless one is given, both are one file.
DATABASES: dict[str, Any] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": LOG_REPLAY_HOME / "log-replay.sqlite3",
        "OPTIONS": {"timeout": 20},
    },
}
if os.environ.get("LOG_REPLAY_DATABASE_URL"):
    DATABASES["lms"] = dj_database_url.parse(os.environ["LOG_REPLAY_DATABASE_URL"], conn_health_checks=True)
    DATABASE_ROUTERS = ["log_replay.standalone.routers.LmsRouter"]

DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
TIME_ZONE = "UTC"

LMS_ROOT_URL = (os.environ.get("LOG_REPLAY_LMS_ROOT_URL") or "http://localhost:18000").rstrip("/")
RETIRED_USER_SALTS = _listed("LOG_REPLAY_RETIRED_USER_SALTS")
RETIRED_USERNAME_FMT = (os.environ.get("LOG_REPLAY_RETIRED_USERNAME_PREFIX") or "retired__user_") + "{}"

plugin_settings(sys.modules[__name__])
CALIPER_EVENTS_ENABLED = True
XAPI_AGENT_IFI_TYPE = os.environ.get("LOG_REPLAY_XAPI_AGENT_IFI_TYPE") or "external_id"

# The statement loggers are set up by each run (--log_to); our own log goes to stderr. ERB logs the absence of
# edx-platform at import, with a traceback: here that is as it should be.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"null": {"class": "logging.NullHandler"}},
    "loggers": {"event_routing_backends": {"handlers": ["null"], "propagate": False}},
}
