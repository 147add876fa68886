"""Settings of a site with Aspects for dumps: edx-platform's models, the real tagging app, the real plugin."""

import os
import sys

from log_replay.settings.common import plugin_settings

SECRET_KEY = "no secret"
USE_TZ = True
TIME_ZONE = "UTC"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SITE_DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "log_replay",
    "platform_plugin_aspects",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "waffle",
    "lms_models",
    "openedx_tagging",
]
if os.environ.get("PLUGIN_FIRST"):
    INSTALLED_APPS[:2] = reversed(INSTALLED_APPS[:2])
if os.environ.get("WITHOUT_PLUGIN"):
    INSTALLED_APPS.remove("platform_plugin_aspects")
EVENT_SINK_CLICKHOUSE_BACKEND_CONFIG = {
    "url": os.environ.get("CLICKHOUSE_URL", "http://127.0.0.1:1"),
    "username": "default",
    "password": os.environ.get("CLICKHOUSE_PASSWORD", ""),
    "database": "event_sink",
    "timeout_secs": 30,
}
EVENT_SINK_CLICKHOUSE_MODEL_CONFIG = {
    "auth_user": {"module": "django.contrib.auth.models", "model": "User"},
    "user_profile": {"module": "lms_models.models", "model": "UserProfile"},
    "course_overviews": {"module": "lms_models.models", "model": "CourseOverview"},
    "external_id": {"module": "lms_models.models", "model": "ExternalId"},
    "course_enrollment": {"module": "lms_models.models", "model": "CourseEnrollment"},
    "tag": {"module": "openedx_tagging.models.base", "model": "Tag"},
    "taxonomy": {"module": "openedx_tagging.models.base", "model": "Taxonomy"},
    "object_tag": {"module": "openedx_tagging.models.base", "model": "ObjectTag"},
}
for _model in EVENT_SINK_CLICKHOUSE_MODEL_CONFIG.keys() - set(os.environ.get("DISABLED", "").split()):
    globals()[f"EVENT_SINK_CLICKHOUSE_{_model.upper()}_ENABLED"] = True
SUPERSET_DASHBOARD_LOCALES = ["en"]
plugin_settings(sys.modules[__name__])
