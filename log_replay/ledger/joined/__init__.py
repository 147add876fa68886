"""The ledger of a run that several processes work on, with ``--join``."""

from log_replay.ledger.joined.run import JoinedLedger

__all__ = ["JoinedLedger"]
