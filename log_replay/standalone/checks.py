"""Checks of the environment variables before anything is read or written."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from log_replay.errors import ConfigurationError
from log_replay.standalone.database_url import read_database_url
from log_replay.standalone.environment import value_of

IFI_TYPES = ("external_id", "mbox", "mbox_sha1sum")


def check_environment() -> None:
    """Check the variables that are set.

    Raises:
        ConfigurationError: a value is wrong.
    """
    for variable in ("LOG_REPLAY_DATABASE_URL", "LOG_REPLAY_LEDGER_URL"):
        if value_of(variable):
            read_database_url(value_of(variable), variable)
    ifi_type = value_of("LOG_REPLAY_XAPI_AGENT_IFI_TYPE")
    if ifi_type not in IFI_TYPES:
        raise ConfigurationError(
            f"LOG_REPLAY_XAPI_AGENT_IFI_TYPE {ifi_type!r} is none of {', '.join(IFI_TYPES)}",
            hint="set it to the LMS's XAPI_AGENT_IFI_TYPE: the id of every statement depends on it",
        )
    if not _is_url(value_of("LOG_REPLAY_LMS_ROOT_URL")):
        raise ConfigurationError(
            f"LOG_REPLAY_LMS_ROOT_URL {value_of('LOG_REPLAY_LMS_ROOT_URL')!r} is no URL",
            hint="set it to the LMS's LMS_ROOT_URL, for example https://lms.example.com: the id of every statement "
            "depends on it",
        )


def check_root_url() -> None:
    """Check that the root URL is set if the LMS's database is, before statements are made.

    Raises:
        ConfigurationError: it is not.
    """
    if value_of("LOG_REPLAY_DATABASE_URL") and not os.environ.get("LOG_REPLAY_LMS_ROOT_URL"):
        raise ConfigurationError(
            "LOG_REPLAY_DATABASE_URL is set, but LOG_REPLAY_LMS_ROOT_URL is not",
            hint="set it to the LMS's LMS_ROOT_URL, for example https://lms.example.com: the id of every statement "
            "depends on it",
        )


def _is_url(value: str) -> bool:
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.hostname) and not re.search(r"\s", value)
