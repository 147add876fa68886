"""Replay Open edX tracking logs as xAPI or Caliper statements."""

__version__ = "0.1.0"
