"""Redelivery of the backlog to routes that are available again."""

from log_replay.pipeline.redelivery.redelivery import Redelivery

__all__ = ["Redelivery"]
