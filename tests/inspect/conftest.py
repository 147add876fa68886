"""Fixtures for inspections."""

from tests.support.runs import logs, options, shell, source

__all__ = ["logs", "options", "shell", "source"]
