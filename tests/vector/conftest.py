from __future__ import annotations

import pytest
from engines import VectorVrl, VrlPython, vector_vrl_python


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
