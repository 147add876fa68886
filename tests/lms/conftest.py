"""Runs, for the tests that compare an LMS with what is outside it."""

from run.conftest import logs, replay, source

__all__ = ["logs", "replay", "source"]
