from __future__ import annotations

import pytest
from engines import VectorVrl, VrlPython, vector_vrl_python
from far_clickhouse import running_clickhouse
from running_vector import vector
from sinks.servers import ralph, s3, s3_server

__all__ = ["ralph", "s3", "s3_server", "vector"]


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory):
    """A ClickHouse with Aspects' tables."""
    with running_clickhouse(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server


@pytest.fixture(scope="session")
def vrl_python():
    """The engine of vrl-python."""
    return VrlPython()


@pytest.fixture(scope="session")
def vector_vrl():
    """The engine of vector-vrl."""
    engine = VectorVrl(vector_vrl_python())
    yield engine
    engine.close()


@pytest.fixture(scope="session", params=["vrl_python", "vector_vrl"])
def engine(request):
    """Each VRL engine in turn."""
    return request.getfixturevalue(request.param)
