"""Fixtures: a site to dump from, and databases to dump into."""

from __future__ import annotations

import pytest

from tests.support.aspects import AspectsSite, installed_plugin
from tests.support.clickhouse_servers import ClickHouse, clickhouse_process
from tests.support.event_sinks import create_event_sink

__all__ = ["clickhouse_process"]


@pytest.fixture(scope="session")
def clickhouse(clickhouse_process) -> ClickHouse:
    """A running ClickHouse. Each test that needs a database creates its own."""
    return ClickHouse(clickhouse_process)


@pytest.fixture
def event_sink(clickhouse) -> str:
    """A database with Aspects' tables."""
    clickhouse.inject()
    return create_event_sink(clickhouse)


@pytest.fixture(scope="session")
def aspects_site(tmp_path_factory, clickhouse) -> AspectsSite:
    """A site with Aspects' plugin."""
    site = AspectsSite(installed_plugin(), tmp_path_factory.mktemp("aspects") / "lms.sqlite3", clickhouse)
    site.run("fill.py")
    return site
