"""Fixtures: projects of Tutor with the Aspects plugin and ours."""

from __future__ import annotations

import pytest

from tests.support.clickhouse_servers import clickhouse, clickhouse_process
from tests.support.servers import ralph, s3, s3_server
from tests.support.tutor_scene import launched_site, mariadb, new_site, prepared_databases, site
from tests.support.tutor_site import RELEASES, TutorSite, built_plugin, tutor_environment

__all__ = [
    "clickhouse", "clickhouse_process", "launched_site", "mariadb", "new_site", "prepared_databases", "ralph",
    "s3", "s3_server", "site",
]  # fmt: skip


@pytest.fixture(scope="session", params=list(RELEASES))
def tutor(request):
    """A virtual environment with Tutor: the oldest, and the newest."""
    return tutor_environment(request.param)


@pytest.fixture
def tutor_release():
    """The release of ``site``; a test can set it by a parameter."""
    return "newest"


@pytest.fixture(scope="session")
def newest_tutor():
    return tutor_environment("newest")


@pytest.fixture(scope="session")
def plugin(tmp_path_factory, newest_tutor):
    """The plugin, built as a wheel and unpacked."""
    return built_plugin(tmp_path_factory.mktemp("plugin"), newest_tutor)


@pytest.fixture
def project(tmp_path, tutor, plugin):
    """An empty project, of each Tutor."""
    return TutorSite(tmp_path, tutor, plugin)


@pytest.fixture
def newest_project(tmp_path, newest_tutor, plugin):
    """An empty project of the newest Tutor."""
    return TutorSite(tmp_path, newest_tutor, plugin)
