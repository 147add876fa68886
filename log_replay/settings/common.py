"""Settings that the plugin adds to the LMS and the CMS."""

from __future__ import annotations

from typing import Any


def plugin_settings(settings: Any) -> None:
    """Use the LMS's own database, models and LOGGING."""
    settings.LOG_REPLAY_STANDALONE = False
