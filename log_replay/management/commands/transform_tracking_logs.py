"""The name that event-routing-backends gave it: the same command."""

from log_replay.management.commands.replay_tracking_logs import Command

__all__ = ["Command"]
