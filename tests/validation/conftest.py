"""Fixtures of runs."""

from tests.support.runs import logs, replay, shell, source

__all__ = ["logs", "replay", "shell", "source"]
