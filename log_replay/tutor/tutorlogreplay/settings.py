"""The plugin's configuration keys with their defaults, and how to read Tutor's configuration."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from tutor import env

from tutorlogreplay import __version__

#: The value of LOG_REPLAY_ADD_EXTERNAL_IDS that depends on the database server.
AUTO = "auto"

DEFAULTS: dict[str, Any] = {
    "LOG_REPLAY_VERSION": __version__,
    # The image of the jobs. `docker compose` builds it if it does not exist; Kubernetes needs a registry in the name.
    "LOG_REPLAY_DOCKER_IMAGE": "openedx-log-replay:{{ LOG_REPLAY_VERSION }}",
    # What `pip install` installs in the image: a requirement, or the path of a wheel in the build folder.
    "LOG_REPLAY_REQUIREMENT": "openedx-log-replay[clickhouse,mysql]=={{ LOG_REPLAY_VERSION }}",
    "LOG_REPLAY_PYTHON_IMAGE": "docker.io/python:3.12-slim-bookworm",
    # For example sha256:...: pins the base image.
    "LOG_REPLAY_PYTHON_IMAGE_DIGEST": "",
    # Run replays in the LMS's image, with its settings, filters and third-party transformers.
    "LOG_REPLAY_IN_LMS": False,
    # Defaults of the options with these names. An empty provider: chosen by the site's configuration.
    "LOG_REPLAY_SOURCE_PROVIDER": "",
    "LOG_REPLAY_SOURCE_CONFIG": {},
    "LOG_REPLAY_DESTINATION_PROVIDER": "",
    "LOG_REPLAY_DESTINATION_CONFIG": {},
    # The server that users and courses are read from, for example a read replica.
    "LOG_REPLAY_MYSQL_HOST": "{{ MYSQL_HOST }}",
    "LOG_REPLAY_MYSQL_PORT": "{{ MYSQL_PORT }}",
    "LOG_REPLAY_MYSQL_USERNAME": "log_replay",
    "LOG_REPLAY_MYSQL_PASSWORD": "{{ OPENEDX_SECRET_KEY|log_replay_password }}",
    # The ledger's database, on MYSQL_HOST.
    "LOG_REPLAY_MYSQL_DATABASE": "log_replay",
    # true, false, or auto: true unless LOG_REPLAY_MYSQL_HOST is another server than MYSQL_HOST.
    "LOG_REPLAY_ADD_EXTERNAL_IDS": AUTO,
    # The LMS's XAPI_AGENT_IFI_TYPE and RETIRED_USER_SALTS, which Tutor's configuration does not have.
    "LOG_REPLAY_AGENT_TYPE": "external_id",
    "LOG_REPLAY_RETIRED_USER_SALTS": [],
    "LOG_REPLAY_K8S_RESOURCES": {"requests": {"cpu": "1", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
    # Name of a PersistentVolumeClaim with tracking logs.
    "LOG_REPLAY_K8S_LOGS_VOLUME": "",
}


class Settings:
    """Tutor's configuration, with rendered values."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def __contains__(self, name: str) -> bool:
        return name in self.config

    def value(self, name: str, default: Any = None) -> Any:
        """Return a rendered value."""
        return env.render_unknown(self.config, self.config.get(name, default))

    def text(self, name: str, default: str = "") -> str:
        """Return a rendered value as text."""
        value = self.value(name, default)
        return "" if value is None else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a value as a boolean. Rendered templates are texts."""
        return self.text(name, str(default)).strip().lower() in {"true", "1", "yes", "on"}


def derived_password(secret_key: str) -> str:
    """Return the password of the plugin's database user: the same for the same secret key of the site.

    So the plugin stores nothing in ``config.yml``, and disabling it leaves nothing there.
    """
    return hmac.new(str(secret_key).encode(), b"tutor-contrib-log-replay mysql", hashlib.sha256).hexdigest()[:32]


def sql_text(value: object) -> str:
    """Return a literal for MySQL."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def sql_name(value: object) -> str:
    """Return a quoted identifier for MySQL."""
    return "`" + str(value).replace("`", "``") + "`"


def option_file_text(value: object) -> str:
    """Return a quoted value for an option file of MySQL's clients."""
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
