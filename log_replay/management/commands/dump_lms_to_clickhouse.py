"""The dump by a name of its own, for sites whose INSTALLED_APPS have platform-plugin-aspects first."""

from log_replay.management.commands.dump_data_to_clickhouse import Command

__all__ = ["Command"]
