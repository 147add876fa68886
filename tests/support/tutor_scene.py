"""What a site of Tutor has besides Tutor: the LMS's database in MariaDB, and Aspects' table in ClickHouse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.mariadb_server import MariaDb, mariadb_server
from tests.support.paths import ROOT
from tests.support.sample_identities import sample_identities
from tests.support.tutor_site import TutorSite, needs_containers, tutor_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.clickhouse_servers import ClickHouse

_FILL = """
import json, sys
import django; django.setup()
from log_replay.standalone.embedded import load_identities, prepare
from log_replay.dump.source_tables import UserProfile
from django.contrib.auth import get_user_model
from django.db import connection
prepare()
load_identities(json.load(sys.stdin))
with connection.schema_editor() as editor:
    editor.create_model(UserProfile)
for user in get_user_model().objects.all():
    UserProfile.objects.create(user=user, name=f"Learner {user.pk}")
"""


def lms_database(server: MariaDb) -> None:
    """Create the LMS's database with the users and courses of the sample."""
    server.query("CREATE DATABASE openedx CHARACTER SET utf8mb4")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings",
        # Our own tables are created as well; no job looks at them.
        "LOG_REPLAY_LEDGER_URL": server.url("openedx"),
    }
    subprocess.run(
        [sys.executable, "-c", _FILL], env=environment, input=json.dumps(sample_identities()).encode(), check=True
    )


def statements_table(server: ClickHouse, database: str = "openedx") -> None:
    """Create Aspects' table of statements."""
    server.query(f"CREATE DATABASE {database}")
    server.query(
        f"CREATE TABLE {database}.xapi_events_all (event_id UUID, emission_time DateTime64(6), event String) "
        "ENGINE = ReplacingMergeTree ORDER BY (emission_time, event_id)"
    )


class Site(TutorSite):
    """A site with Aspects, a tracking log, and running services."""

    @property
    def logs(self) -> Path:
        return self.root / "data" / "lms" / "logs"

    def use(self, **config: Any) -> None:
        """Change the configuration."""
        self.set_up(**config)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory):
    """MariaDB with the LMS's database."""
    needs_containers()
    with mariadb_server(tmp_path_factory.mktemp("mariadb")) as server:
        lms_database(server)
        yield server


@pytest.fixture
def launched_site(tmp_path, tutor_release, plugin, mariadb, clickhouse, sample_log):
    """A site, by default of the newest Tutor. It says nothing about our own database."""
    statements_table(clickhouse)
    made = Site(tmp_path, tutor_environment(tutor_release), plugin)
    host, _, port = clickhouse.url.removeprefix("http://").partition(":")
    config = {
        "MYSQL_HOST": mariadb.host, "MYSQL_PORT": mariadb.port, "MYSQL_ROOT_PASSWORD": mariadb.password,
        "CLICKHOUSE_HOST": host, "CLICKHOUSE_INTERNAL_INSECURE_HTTP_PORT": port,
        **{f"ASPECTS_CLICKHOUSE_{user}_USER": clickhouse.username for user in ("VECTOR", "CMS")},
        **{f"ASPECTS_CLICKHOUSE_{user}_PASSWORD": clickhouse.password for user in ("VECTOR", "CMS")},
        "CLICKHOUSE_ADMIN_USER": clickhouse.username, "CLICKHOUSE_ADMIN_PASSWORD": clickhouse.password,
        "LOG_REPLAY_RETIRED_USER_SALTS": ["sample-salt"], "LOG_REPLAY_K8S_LOGS_VOLUME": "tracking-logs",
    }  # fmt: skip
    made.set_up("aspects", "log-replay", **config)
    for service in ("lms", "cms"):
        (made.root / "data" / service / "logs").mkdir(parents=True)
    (made.logs / "tracking.log").write_bytes(sample_log)
    made.settings["claims"]["tracking-logs"] = str(made.logs)
    made.save_settings()
    return made


@pytest.fixture
def new_site(launched_site, mariadb):
    """A site where no command of ours has run."""
    mariadb.query("DROP DATABASE IF EXISTS log_replay; DROP USER IF EXISTS log_replay")
    return launched_site


@pytest.fixture
def site(launched_site, mariadb, prepared_databases):
    """A site after its first commands on ``local`` and ``k8s``, which prepare the database. The ledger is empty."""
    site = launched_site
    state = site.root / "data" / "log-replay"
    if site.tutor not in prepared_databases:
        mariadb.query("DROP DATABASE IF EXISTS log_replay")
        assert site("local", "do", "replay-runs", "list").returncode == 0
        prepared_databases[site.tutor] = (state / "database-compose").read_text()
        site.log.unlink()
    else:
        state.mkdir(mode=0o700)
        mariadb.query((site.root / "env/plugins/log-replay/apps/database/create.sql").read_text())
    # Making the tables takes longer than most commands.
    tables = [table for (table,) in mariadb.query("SHOW TABLES FROM log_replay LIKE 'log\\_replay\\_%'")]
    deletions = "".join(f"DELETE FROM log_replay.{table};" for table in tables)
    mariadb.query(f"SET FOREIGN_KEY_CHECKS = 0; {deletions}")
    for mode in ("compose", "k8s"):
        (state / f"database-{mode}").write_text(prepared_databases[site.tutor])
    return site


@pytest.fixture(scope="session")
def prepared_databases():
    """The marks of databases that are prepared, by the environments of Tutor."""
    return {}
