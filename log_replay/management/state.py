"""What a command needs before it begins: the embedded database, where that is what we run on."""

from __future__ import annotations

from django.conf import settings


def prepare_state() -> None:
    """Create the embedded database where there is no LMS around us.

    Raises:
        ConfigurationError: its folder cannot be written.
    """
    if getattr(settings, "LOG_REPLAY_STANDALONE", False):
        from log_replay.standalone.embedded import prepare  # noqa: PLC0415 - its models exist only outside the LMS

        prepare()
