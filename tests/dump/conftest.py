"""Where dumps come from and where they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dump.aspects import AspectsSite, installed_plugin
from dump.dump_clickhouse import ClickHouse, running_clickhouse

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory) -> Iterator[ClickHouse]:
    """A running ClickHouse."""
    with running_clickhouse(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server


@pytest.fixture
def event_sink(clickhouse) -> str:
    """A database with Aspects' tables."""
    clickhouse.order_faults()
    return clickhouse.create_database()


@pytest.fixture(scope="session")
def aspects_site(tmp_path_factory, clickhouse) -> AspectsSite:
    """A site with Aspects' plugin."""
    site = AspectsSite(installed_plugin(), tmp_path_factory.mktemp("aspects") / "lms.sqlite3", clickhouse)
    site.run("fill.py")
    return site
