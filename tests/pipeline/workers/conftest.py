"""Runs in processes of their own, whose workers these tests are about."""

from tests.support.runs import logs, options, shell, source

__all__ = ["logs", "options", "shell", "source"]
