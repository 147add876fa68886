"""The short verbs of ``log-replay``: one table, from each verb to the management command that it runs.

Outside an LMS, ``log-replay replay`` runs the command ``replay_tracking_logs``. The command sees the verb as the name
under which it was called (``LogReplayCommand.verb``), so that it can have the defaults of a short verb. Inside an LMS,
and for scripts, the long names of the commands stay.
"""

from __future__ import annotations

from typing import NamedTuple

from django.core.management import find_commands

from log_replay import management


class ShortVerb(NamedTuple):
    """A verb's command, and one line about it for ``log-replay --help``."""

    command: str
    summary: str


_VERBS = {
    "replay": ShortVerb("replay_tracking_logs", "make statements of tracking logs; show, store or send them"),
    "inspect": ShortVerb("inspect_tracking_logs", "report what is in tracking logs, and what would come out of them"),
    "explain": ShortVerb("explain_tracking_log", "show step by step what becomes of one line, and why"),
    "gaps": ShortVerb("replay_gaps", "compare logs with a ClickHouse table: which statements are missing there?"),
    "runs": ShortVerb("replay_runs", "list, show, resume or delete runs"),
    "query": ShortVerb("query", "query the statements that runs have stored, in SQL"),
    "dump": ShortVerb("dump_data_to_clickhouse", "dump the LMS's users, courses and tags to ClickHouse"),
    "load": ShortVerb("load_identities", "load users and courses into the embedded database"),
}
#: Other names of verbs.
ALIASES = {"directory": "load"}


def commands() -> list[str]:
    """Return the names of all management commands of Log Replay."""
    return find_commands(management.__path__[0])


def verbs() -> dict[str, ShortVerb]:
    """Return the verbs whose commands exist, in the order of ``--help``."""
    existing = {*commands()}
    return {name: verb for name, verb in _VERBS.items() if verb.command in existing}


def command_of(name: str) -> str:
    """Return the management command of a verb or of a verb's other name; any other name stays as it is."""
    verb = verbs().get(ALIASES.get(name, name))
    return verb.command if verb else name
