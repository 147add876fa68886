"""Sinks that send to LRSs, as tests make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.patience import Patience
from log_replay.sinks import open_sink
from log_replay.sinks.lrs import LrsSink
from log_replay.sinks.lrs_settings import LrsSettings

if TYPE_CHECKING:
    from log_replay.sinks.routes import Route

HASTY = Patience(retries=2, first_pause_seconds=0.001)


def sink_of(*routes: Route, transformer_type: str = "xapi", patience: Patience = HASTY, **more) -> LrsSink:
    return LrsSink(routes, transformer_type=transformer_type, patience=patience, settings=LrsSettings(**more))


def given_sink(config, transformer_type="xapi") -> LrsSink:
    return open_sink("LRS", config, transformer_type=transformer_type, key="0" * 12)
