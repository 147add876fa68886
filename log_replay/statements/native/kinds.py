"""The two kinds of statements, and the native function of every event that gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from log_replay.statements.native.caliper.events import EVENTS as CALIPER
from log_replay.statements.native.xapi.events import EVENTS as XAPI

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.statements.native.caliper.event import CaliperMaker
    from log_replay.statements.native.xapi.statement import XapiMaker

#: Makes the statements of one event name's events.
Maker: TypeAlias = "XapiMaker | CaliperMaker"

#: The native functions by kind and by event name.
KINDS: Mapping[str, Mapping[str, Maker]] = {"xapi": XAPI, "caliper": CALIPER}
