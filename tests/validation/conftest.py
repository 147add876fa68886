"""Fixtures of runs."""

from tests.support.runs import logs, replay, shell, source
from tests.support.servers import learning_locker

__all__ = ["learning_locker", "logs", "replay", "shell", "source"]
