"""The two kinds of statements, and the native function of every event that gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.statements.native.caliper.event import enveloped
from log_replay.statements.native.caliper.events import EVENTS as CALIPER
from log_replay.statements.native.xapi.events import EVENTS as XAPI

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.lms import Identities
    from log_replay.records import Event
    from log_replay.statements.native.caliper.event import CaliperMaker
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.statement import XapiMaker

#: A statement's id, its timestamp, and the whole of it.
Made: TypeAlias = tuple[str, str, dict[str, Any]]
Make: TypeAlias = "Callable[[Event, Platform, Identities], list[Made]]"


def _xapi(make: XapiMaker) -> Make:
    def statements(event: Event, platform: Platform, identities: Identities) -> list[Made]:
        return [(made["id"], made["timestamp"], made) for made in make(event.fields, platform, identities)]

    return statements


def _caliper(make: CaliperMaker) -> Make:
    def envelopes(event: Event, platform: Platform, identities: Identities) -> list[Made]:
        made = make(event.fields, platform, identities)
        whole = enveloped(made, event.json_text, platform)
        return [(made["id"], made["eventTime"], whole)]

    return envelopes


#: The native functions by kind and by event name.
KINDS: dict[str, dict[str, Make]] = {
    "xapi": {name: _xapi(make) for name, make in XAPI.items()},
    "caliper": {name: _caliper(make) for name, make in CALIPER.items()},
}
