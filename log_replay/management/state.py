"""Preparation of the embedded database, which every command needs outside the LMS."""

from __future__ import annotations

from django.conf import settings


def prepare_state() -> None:
    """Create or update the embedded database; inside an LMS, do nothing.

    Raises:
        ConfigurationError: its folder cannot be written to.
    """
    if getattr(settings, "LOG_REPLAY_STANDALONE", False):
        from log_replay.standalone.embedded import prepare  # noqa: PLC0415 - its models exist only outside the LMS

        prepare()
