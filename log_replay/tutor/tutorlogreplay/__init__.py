"""Tutor plugin that runs Log Replay's commands on an Open edX site. It imports nothing of Log Replay."""

__version__ = "0.1.0"
