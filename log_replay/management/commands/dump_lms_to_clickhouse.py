"""Command ``dump_lms_to_clickhouse``: the dump under a second name.

The first app in INSTALLED_APPS owns the name ``dump_data_to_clickhouse``; this can be platform-plugin-aspects.
"""

from log_replay.management.commands.dump_data_to_clickhouse import Command

__all__ = ["Command"]
