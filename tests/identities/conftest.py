"""Fixtures for runs outside the LMS, which runs in the LMS are compared with."""

from tests.support.runs import logs, replay, source

__all__ = ["logs", "replay", "source"]
