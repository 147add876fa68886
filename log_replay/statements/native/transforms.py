"""The native transforms of both transformer types, by event name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from log_replay.statements.native.caliper import envelope
from log_replay.statements.native.caliper.events import EVENTS as CALIPER
from log_replay.statements.native.xapi import statement
from log_replay.statements.native.xapi.events import EVENTS as XAPI

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_replay.records import EventFields
    from log_replay.statements.native.caliper.event import CaliperTransform
    from log_replay.statements.native.xapi.statement import XapiTransform

#: Transforms an event with one name.
Transform: TypeAlias = "XapiTransform | CaliperTransform"

#: The native transforms, by transformer type and event name.
TRANSFORMS: Mapping[str, Mapping[str, Transform]] = {"xapi": XAPI, "caliper": CALIPER}

#: The functions that return an event's timestamp as statements write it, by transformer type. They raise an error for
#: an invalid timestamp.
TIMESTAMPS: Mapping[str, Callable[[EventFields], str]] = {
    "xapi": statement.timestamp_of,
    "caliper": envelope.timestamp_of,
}
