"""What the plugin sets in the LMS and the CMS."""

from __future__ import annotations

from typing import Any


def plugin_settings(settings: Any) -> None:
    """Say that this is no standalone installation: the LMS's own database, models and LOGGING are used."""
    settings.LOG_REPLAY_STANDALONE = False
