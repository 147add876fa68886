"""The console script ``log-replay``: our management commands without an LMS."""

from __future__ import annotations

import os
import sys

from django.core.management import ManagementUtility, load_command_class

USAGE = """\
Usage: log-replay COMMAND [options]

  transform_tracking_logs   replay tracking logs (also called replay_tracking_logs)
  replay_runs               list, show, resume or delete runs
  dump_data_to_clickhouse   dump the LMS's users, courses and tags (also called dump_lms_to_clickhouse)
  replay_gaps               compare logs with a ClickHouse table: what is missing there
  query                     ask, in SQL, what runs have written
  load_identities            put users and courses into the embedded database

log-replay COMMAND --help explains a command; any of Django's own commands works as well.
"""

REPLAY = frozenset({"transform_tracking_logs", "replay_tracking_logs"})


def main() -> None:
    """Run a management command on ``log_replay.standalone.settings``, or on DJANGO_SETTINGS_MODULE if that is set."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "log_replay.standalone.settings")
    if len(sys.argv) == 1 or (sys.argv[1] in {"-h", "--help", "help"} and len(sys.argv) == 2):  # noqa: PLR2004 - alone
        sys.stdout.write(USAGE)
        return
    if sys.argv[1] in REPLAY and not {"-h", "--help"}.isdisjoint(sys.argv[2:]):
        # Help needs no apps: without event-routing-backends, and Celery behind it, it is there in a third of the time.
        load_command_class("log_replay", sys.argv[1]).run_from_argv(["log-replay", *sys.argv[1:]])
    ManagementUtility(["log-replay", *sys.argv[1:]]).execute()
