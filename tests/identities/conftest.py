"""Runs, for the tests that compare an LMS with what is outside it."""

from tests.support.runs import logs, replay, source

__all__ = ["logs", "replay", "source"]
