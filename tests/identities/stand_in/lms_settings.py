"""Settings of the stand-in for an LMS: edx-platform's apps, both plugins and a LOGGING setting."""

import os
import sys

from event_routing_backends.settings.common import plugin_settings as erb_settings

from log_replay.settings.common import plugin_settings

SECRET_KEY = "no secret"
USE_TZ = True
LMS_ROOT_URL = "http://localhost:18000"
OUR_APPS = ["event_routing_backends", "log_replay"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "celery_utils",
    "eventtracking.django.apps.EventTrackingConfig",
    "openedx.core.djangoapps.content.course_overviews",
    "openedx.core.djangoapps.external_user_ids",
    *(reversed(OUR_APPS) if os.environ.get("OURS_FIRST") else OUR_APPS),
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["LMS_DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
RETIRED_USER_SALTS = ["sample-salt"]
RETIRED_USERNAME_FMT = "retired__user_{}"
EVENT_TRACKING_ENABLED = True
erb_settings(sys.modules[__name__])
CALIPER_EVENTS_ENABLED = True
CALIPER_EVENT_LOGGING_ENABLED = True
plugin_settings(sys.modules[__name__])
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"statements": {"class": "logging.FileHandler", "filename": os.environ["LMS_DATABASE"] + ".log"}},
    "loggers": {
        name: {"handlers": ["statements"], "level": "INFO", "propagate": False}
        for name in ("xapi_tracking", "caliper_tracking")
    },
}
