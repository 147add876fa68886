"""The Django app, which the LMS and the CMS load as a plugin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import AppConfig


class LogReplayConfig(AppConfig):
    """The configuration of the app, in the LMS and outside it."""

    name = "log_replay"
    verbose_name = "Log Replay"
    default_auto_field = "django.db.models.BigAutoField"

    # edx_django_utils.plugins reads this. The strings are the values of its constants.
    plugin_app: ClassVar[dict[str, Any]] = {
        "settings_config": {
            project: {"common": {"relative_path": "settings.common"}} for project in ("lms.djangoapp", "cms.djangoapp")
        },
    }
