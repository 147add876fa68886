"""LRS sinks for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.retry import RetryPolicy
from log_replay.sinks import open_sink
from log_replay.sinks.lrs.settings import LrsSettings
from log_replay.sinks.lrs.sink import LrsSink

if TYPE_CHECKING:
    from log_replay.sinks.lrs.routes import Route

QUICK_RETRIES = RetryPolicy(retries=2, first_delay_seconds=0.001)


def sink_of(
    *routes: Route, transformer_type: str = "xapi", retry_policy: RetryPolicy = QUICK_RETRIES, **more
) -> LrsSink:
    return LrsSink(routes, transformer_type=transformer_type, retry_policy=retry_policy, settings=LrsSettings(**more))


def given_sink(config, transformer_type="xapi") -> LrsSink:
    """Return the sink of a configuration, as a run opens it."""
    return open_sink("LRS", config, transformer_type=transformer_type, key="0" * 12)
