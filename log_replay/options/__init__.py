"""Command line + settings -> one frozen, validated configuration."""

from log_replay.options.configuration import Options, Place
from log_replay.options.reading import read_options

__all__ = ["Options", "Place", "read_options"]
