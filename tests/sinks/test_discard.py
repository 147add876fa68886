from __future__ import annotations

import pytest

from log_replay.records import Delivery
from log_replay.sinks import open_sink
from tests.support.statement_batches import event, xapi


@pytest.mark.parametrize("config", [{}, {"url": "http://ignored"}])
def test_logger_counts_logged_statements_as_delivered(config):
    sink = open_sink("LOGGER", config, transformer_type="xapi", key="0" * 12)
    sink.check()
    assert sink.routing is None
    assert sink.deliver([event(xapi(), xapi()), event(xapi())]) == Delivery(delivered=3)
    sink.close(complete=True)
