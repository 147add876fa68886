"""The environment variables of ``log-replay``: the only settings for use without an LMS."""

from __future__ import annotations

import os
from typing import NamedTuple


class Variable(NamedTuple):
    """An environment variable: the value if it is not set, and its meaning for the reference page."""

    default: str
    meaning: str


VARIABLES = {
    "LOG_REPLAY_HOME": Variable("~/.local/share/log-replay", "Folder for the ledger and the embedded databases."),
    "LOG_REPLAY_DATABASE_URL": Variable(
        "",
        "URL of the LMS's database, preferably of a read replica (default: an embedded SQLite database in "
        "`LOG_REPLAY_HOME`). It is read only, except for external ids with `--add_external_ids yes`.",
    ),
    "LOG_REPLAY_LEDGER_URL": Variable(
        "",
        "URL of the database for the ledger, which several machines can share (default: an embedded SQLite database in "
        "`LOG_REPLAY_HOME`). Its tables are created there.",
    ),
    "LOG_REPLAY_LMS_ROOT_URL": Variable(
        "http://localhost:18000", "The LMS's `LMS_ROOT_URL`. Statements contain it, and their ids depend on it."
    ),
    "LOG_REPLAY_XAPI_AGENT_IFI_TYPE": Variable(
        "external_id", "The LMS's `XAPI_AGENT_IFI_TYPE`: `external_id`, `mbox` or `mbox_sha1sum`."
    ),
    "LOG_REPLAY_RETIRED_USER_SALTS": Variable(
        "", "The LMS's `RETIRED_USER_SALTS`, separated by commas: finds retired users by their old usernames."
    ),
    "LOG_REPLAY_RETIRED_USERNAME_PREFIX": Variable("retired__user_", "The LMS's `RETIRED_USERNAME_PREFIX`."),
    "LOG_REPLAY_FERNET_KEYS": Variable(
        "", "The LMS's `FERNET_KEYS`, separated by commas: decrypts `RouterConfiguration`."
    ),
    "LOG_REPLAY_SECRET_KEY": Variable("", "The LMS's `SECRET_KEY`, if the LMS has no `FERNET_KEYS`."),
}


def value_of(name: str) -> str:
    """Return the value of a variable, or its default if it is not set or empty."""
    return os.environ.get(name) or VARIABLES[name].default


def values_of(name: str) -> list[str]:
    """Return the values of a variable that is a list, separated by commas."""
    return [value.strip() for value in value_of(name).split(",") if value.strip()]
