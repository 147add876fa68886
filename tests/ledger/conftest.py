"""Fixtures of runs that are kept in the ledger."""

from tests.support.ledger_runs import interrupted, into_files, logs, replay, source

__all__ = ["interrupted", "into_files", "logs", "replay", "source"]
