"""Defaults of a site: where its logs are, where Aspects takes statements, and the credentials for both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from tutorlogreplay.settings import AUTO

if TYPE_CHECKING:
    from tutorlogreplay.settings import Settings

#: The LMS's tracking log and its rotated predecessors, in the job's container.
SITE_LOGS = {"key": "/openedx/data/", "container": "logs", "prefix": "tracking.log"}
#: The same for the volume LOG_REPLAY_K8S_LOGS_VOLUME. The LMS's settings open files for writing in its own folder.
VOLUME_LOGS = {"key": "/openedx/data/", "container": "logs"}
VOLUME_LOGS_IN_LMS = {"key": "/", "container": "logs"}
CLICKHOUSE, LRS = "CLICKHOUSE", "LRS"
#: Environment variables that only the values of the plugin's own options refer to.
CLICKHOUSE_PASSWORD = "LOG_REPLAY_CLICKHOUSE_PASSWORD"  # noqa: S105 - a name
TRACKING_PASSWORD = "LOG_REPLAY_TRACKING_PASSWORD"  # noqa: S105 - a name
EVENT_SINK_PASSWORD = "LOG_REPLAY_EVENT_SINK_PASSWORD"  # noqa: S105 - a name
LRS_PASSWORD = "LOG_REPLAY_LRS_PASSWORD"  # noqa: S105 - a name


def has_aspects(settings: Settings) -> bool:
    """Return True if the Aspects plugin is enabled."""
    return "ASPECTS_XAPI_SOURCE" in settings


def takes_xapi_by_ralph(settings: Settings) -> bool:
    """Return True if Aspects' reports read the statements that Ralph stores."""
    return settings.text("ASPECTS_XAPI_SOURCE").strip() == "ralph"


def environment(settings: Settings, mode: str) -> dict[str, str]:
    """Return the environment of a job: the site's settings and credentials."""
    server = settings.text("LOG_REPLAY_MYSQL_HOST"), settings.text("LOG_REPLAY_MYSQL_PORT")
    primary = settings.text("MYSQL_HOST"), settings.text("MYSQL_PORT")
    variables = {
        "LOG_REPLAY_DATABASE_URL": _database_url(settings, *server, settings.text("OPENEDX_MYSQL_DATABASE")),
        # A process that loses the network notices within the time of a claim.
        "LOG_REPLAY_LEDGER_URL": _database_url(settings, *primary, settings.text("LOG_REPLAY_MYSQL_DATABASE"))
        + "&read_timeout=30",
        "LOG_REPLAY_LMS_ROOT_URL": _root_url(settings, mode),
        "LOG_REPLAY_XAPI_AGENT_IFI_TYPE": settings.text("LOG_REPLAY_AGENT_TYPE"),
        "LOG_REPLAY_RETIRED_USER_SALTS": ",".join(map(str, settings.value("LOG_REPLAY_RETIRED_USER_SALTS") or [])),
        # RouterConfiguration is encrypted with it.
        "LOG_REPLAY_SECRET_KEY": settings.text("OPENEDX_SECRET_KEY"),
    }
    if has_aspects(settings):
        variables[CLICKHOUSE_PASSWORD] = settings.text(
            "ASPECTS_CLICKHOUSE_LRS_PASSWORD" if takes_xapi_by_ralph(settings) else "ASPECTS_CLICKHOUSE_VECTOR_PASSWORD"
        )
        variables[TRACKING_PASSWORD] = settings.text("ASPECTS_CLICKHOUSE_VECTOR_PASSWORD")
        variables[EVENT_SINK_PASSWORD] = settings.text("ASPECTS_CLICKHOUSE_CMS_PASSWORD")
        variables[LRS_PASSWORD] = settings.text("RALPH_LMS_PASSWORD")
    return variables


def source(settings: Settings, mode: str) -> dict[str, str] | None:
    """Return the default source as options, or None if the site has none."""
    provider = settings.text("LOG_REPLAY_SOURCE_PROVIDER")
    if provider:
        config = settings.value("LOG_REPLAY_SOURCE_CONFIG") or {}
    elif mode == "k8s" and not settings.text("LOG_REPLAY_K8S_LOGS_VOLUME"):
        return None
    else:
        volume = VOLUME_LOGS_IN_LMS if settings.flag("LOG_REPLAY_IN_LMS") else VOLUME_LOGS
        provider, config = "LOCAL", volume if mode == "k8s" else SITE_LOGS
    return {"source_provider": provider, "source_config": _json(config)}


def destination(settings: Settings) -> dict[str, str] | None:
    """Return the default destination of xAPI statements as options, or None if the site has none."""
    provider = settings.text("LOG_REPLAY_DESTINATION_PROVIDER")
    if provider:
        config = settings.value("LOG_REPLAY_DESTINATION_CONFIG") or {}
        return {"destination_provider": provider, "destination_config": _json(config)}
    if not has_aspects(settings):
        return None
    if takes_xapi_by_ralph(settings):
        return {"destination_provider": LRS, "destination_config": _json(_ralph(settings))}
    return {"destination_provider": CLICKHOUSE, "destination_config": _json(statement_table(settings))}


def statement_table(settings: Settings) -> dict[str, str]:
    """Return the configuration of Aspects' table of statements."""
    ralph = takes_xapi_by_ralph(settings)
    user = "ASPECTS_CLICKHOUSE_LRS_USER" if ralph else "ASPECTS_CLICKHOUSE_VECTOR_USER"
    database = "RALPH_DATABASE" if ralph else "ASPECTS_VECTOR_DATABASE"
    access = _clickhouse_access(settings, user, CLICKHOUSE_PASSWORD, database)
    return {**access, "table": settings.text("ASPECTS_RAW_XAPI_TABLE")}


def tracking_table(settings: Settings) -> dict[str, str]:
    """Return the configuration of Aspects' table of tracking events, which Vector writes."""
    user, database = "ASPECTS_CLICKHOUSE_VECTOR_USER", "ASPECTS_VECTOR_DATABASE"
    access = _clickhouse_access(settings, user, TRACKING_PASSWORD, database)
    return {**access, "table": settings.text("ASPECTS_VECTOR_RAW_TRACKING_LOGS_TABLE")}


def event_sink(settings: Settings) -> dict[str, str]:
    """Return the options of a dump for Aspects' event sink."""
    user, database = "ASPECTS_CLICKHOUSE_CMS_USER", "ASPECTS_EVENT_SINK_DATABASE"
    return _clickhouse_access(settings, user, EVENT_SINK_PASSWORD, database)


def _clickhouse_access(settings: Settings, user: str, password: str, database: str) -> dict[str, str]:
    """Return the configuration of a user of ClickHouse, by the names of settings and of the password's variable."""
    return {
        "url": clickhouse_url(settings),
        "username": settings.text(user),
        "password": f"${{{password}}}",
        "database": settings.text(database),
    }


def clickhouse_url(settings: Settings) -> str:
    """Return the URL of ClickHouse's HTTP interface inside the site's network."""
    scheme = "https" if settings.flag("CLICKHOUSE_SECURE_CONNECTION") else "http"
    return f"{scheme}://{settings.text('CLICKHOUSE_HOST')}:{settings.text('CLICKHOUSE_INTERNAL_HTTP_PORT')}"


def adds_external_ids(settings: Settings) -> bool:
    """Return True if a replay may add external ids to the LMS's database."""
    if settings.text("LOG_REPLAY_ADD_EXTERNAL_IDS").lower() == AUTO:
        return settings.text("LOG_REPLAY_MYSQL_HOST") == settings.text("MYSQL_HOST")
    return settings.flag("LOG_REPLAY_ADD_EXTERNAL_IDS")


def _ralph(settings: Settings) -> dict[str, str]:
    own = settings.flag("RUN_RALPH")
    scheme = "https" if settings.flag("RALPH_RUN_HTTPS") and not own else "http"
    return {
        "url": f"{scheme}://{settings.text('RALPH_HOST')}:{settings.text('RALPH_PORT')}/xAPI/",
        "username": settings.text("RALPH_LMS_USERNAME"),
        "password": f"${{{LRS_PASSWORD}}}",
    }


def _database_url(settings: Settings, host: str, port: str, database: str) -> str:
    user, password = settings.text("LOG_REPLAY_MYSQL_USERNAME"), settings.text("LOG_REPLAY_MYSQL_PASSWORD")
    parts = (quote(part, safe="") for part in (user, password, host, port, database))
    return "mysql://{}:{}@{}:{}/{}?charset=utf8mb4".format(*parts)


def _root_url(settings: Settings, mode: str) -> str:
    if mode == "dev":
        return f"http://{settings.text('LMS_HOST')}:8000"
    return f"{'https' if settings.flag('ENABLE_HTTPS') else 'http'}://{settings.text('LMS_HOST')}"


def _json(config: object) -> str:
    return config if isinstance(config, str) else json.dumps(config)
