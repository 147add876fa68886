from __future__ import annotations

import pytest

from tests.support.clickhouse_servers import ClickHouse, clickhouse_process
from tests.support.servers import ralph, s3, s3_server
from tests.support.vector.engines import VectorVrl, VrlPython, vector_vrl_python
from tests.support.vector.far_clickhouse import SCHEMA
from tests.support.vector.running_vector import vector

__all__ = ["clickhouse_process", "ralph", "s3", "s3_server", "vector"]


@pytest.fixture(scope="session")
def clickhouse(clickhouse_process):
    """A ClickHouse server with Aspects' tables."""
    server = ClickHouse(clickhouse_process)
    for statement in SCHEMA:
        server.query(statement)
    return server


@pytest.fixture(scope="session")
def vrl_python():
    """The VRL engine of vrl-python."""
    return VrlPython()


@pytest.fixture(scope="session")
def vector_vrl():
    """The VRL engine of vector-vrl."""
    engine = VectorVrl(vector_vrl_python())
    yield engine
    engine.close()


@pytest.fixture(scope="session", params=["vrl_python", "vector_vrl"])
def engine(request):
    """Each VRL engine in turn."""
    return request.getfixturevalue(request.param)
