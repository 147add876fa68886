"""The Django app, and the plugin by which the LMS and the CMS find it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import AppConfig


class LogReplayConfig(AppConfig):
    """Log Replay, in an LMS or outside it."""

    name = "log_replay"
    verbose_name = "Log Replay"
    default_auto_field = "django.db.models.BigAutoField"

    # edx_django_utils.plugins reads this; its constants are these very strings.
    plugin_app: ClassVar[dict[str, Any]] = {
        "settings_config": {
            project: {"common": {"relative_path": "settings.common"}} for project in ("lms.djangoapp", "cms.djangoapp")
        },
    }
