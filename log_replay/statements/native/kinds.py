"""The two kinds of statements, and the native function of every event that gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from log_replay.statements.native.caliper import envelope
from log_replay.statements.native.caliper.events import EVENTS as CALIPER
from log_replay.statements.native.xapi import statement
from log_replay.statements.native.xapi.events import EVENTS as XAPI

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_replay.records import EventFields
    from log_replay.statements.native.caliper.event import CaliperMaker
    from log_replay.statements.native.xapi.statement import XapiMaker

#: Makes the statements of one event name's events.
Maker: TypeAlias = "XapiMaker | CaliperMaker"

#: The native functions by kind and by event name.
KINDS: Mapping[str, Mapping[str, Maker]] = {"xapi": XAPI, "caliper": CALIPER}

#: What tells when an event happened, by kind; it raises where that cannot be told.
TIMES: Mapping[str, Callable[[EventFields], str]] = {"xapi": statement.time_of, "caliper": envelope.time_of}
