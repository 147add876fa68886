"""Django settings for use without an LMS. Everything that an operator may want to change is an environment variable."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from event_routing_backends.settings.common import plugin_settings

from log_replay.standalone.database_url import read_database_url
from log_replay.standalone.environment import value_of, values_of

LOG_REPLAY_STANDALONE = True
LOG_REPLAY_HOME = Path(value_of("LOG_REPLAY_HOME")).expanduser().absolute()

SECRET_KEY = value_of("LOG_REPLAY_SECRET_KEY") or "log-replay signs nothing"
if values_of("LOG_REPLAY_FERNET_KEYS"):
    FERNET_KEYS = values_of("LOG_REPLAY_FERNET_KEYS")

INSTALLED_APPS = [
    "log_replay",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "event_routing_backends",
]

# "default" holds the ledger. "lms" holds users, courses and routes; without LOG_REPLAY_DATABASE_URL, "default" does.
DATABASES: dict[str, Any] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": LOG_REPLAY_HOME / "log-replay.sqlite3",
        "OPTIONS": {"timeout": 20},
    },
}
if value_of("LOG_REPLAY_LEDGER_URL"):
    DATABASES["default"] = read_database_url(value_of("LOG_REPLAY_LEDGER_URL"), "LOG_REPLAY_LEDGER_URL")
if value_of("LOG_REPLAY_DATABASE_URL"):
    DATABASES["lms"] = read_database_url(value_of("LOG_REPLAY_DATABASE_URL"))
    DATABASE_ROUTERS = ["log_replay.standalone.routers.LmsRouter"]

DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
TIME_ZONE = "UTC"

LMS_ROOT_URL = value_of("LOG_REPLAY_LMS_ROOT_URL").rstrip("/")
RETIRED_USER_SALTS = values_of("LOG_REPLAY_RETIRED_USER_SALTS")
RETIRED_USERNAME_FMT = value_of("LOG_REPLAY_RETIRED_USERNAME_PREFIX") + "{}"

plugin_settings(sys.modules[__name__])
CALIPER_EVENTS_ENABLED = True
XAPI_AGENT_IFI_TYPE = value_of("LOG_REPLAY_XAPI_AGENT_IFI_TYPE")

# Each run sets up the statement loggers (--log_to); our own log goes to stderr. ERB logs a traceback at import if
# edx-platform is absent, which is expected here.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"null": {"class": "logging.NullHandler"}},
    "loggers": {"event_routing_backends": {"handlers": ["null"], "propagate": False}},
}
