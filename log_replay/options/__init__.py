"""The options of a replay: one table, read into one frozen, validated configuration."""

from log_replay.options.place import Place
from log_replay.options.reading import options_from, read_options
from log_replay.options.table import OPTIONS, Options

__all__ = ["OPTIONS", "Options", "Place", "options_from", "read_options"]
