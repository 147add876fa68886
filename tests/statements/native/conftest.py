"""The native and the upstream transformer of each type."""

from __future__ import annotations

import logging

import pytest

from log_replay.statements.upstream import identities_answer
from tests.support.transformers import Transformers


@pytest.fixture(params=["xapi", "caliper"])
def transformer_type(request):
    return request.param


@pytest.fixture
def transformers(transformer_type):
    opened = Transformers(transformer_type)
    # Upstream would log thousands of warnings here.
    logging.getLogger("event_routing_backends").setLevel(logging.CRITICAL)
    with identities_answer(opened.identities):
        yield opened
    logging.getLogger("event_routing_backends").setLevel(logging.NOTSET)
