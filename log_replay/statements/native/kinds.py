"""The two kinds of statements, and the native function of every event that gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.records import Statement
from log_replay.statements.native.caliper.event import enveloped
from log_replay.statements.native.caliper.events import EVENTS as CALIPER
from log_replay.statements.native.xapi.events import EVENTS as XAPI
from log_replay.statements.serialise import statement_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_replay.lms import Identities
    from log_replay.records import Event
    from log_replay.statements.native.caliper.event import CaliperMaker
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.statement import XapiMaker

#: Makes the statements of one event name's events, as dicts.
Maker: TypeAlias = "XapiMaker | CaliperMaker"
Finish: TypeAlias = "Callable[[Any, Event, Platform, Identities], tuple[Statement, ...]]"


def xapi_statements(make: XapiMaker, event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
    """Return an event's xAPI statements."""
    made = make(event, platform, identities)
    return tuple([Statement(whole["id"], whole["timestamp"], statement_text(whole)) for whole in made])


def caliper_statements(
    make: CaliperMaker, event: Event, platform: Platform, identities: Identities
) -> tuple[Statement, ...]:
    """Return an event's Caliper event, in its envelope."""
    made = make(event, platform, identities)
    whole = enveloped(made, event.json_text, platform)
    return (Statement(made["id"], made["eventTime"], statement_text(whole)),)


#: The native functions by kind and by event name.
KINDS: Mapping[str, Mapping[str, Maker]] = {"xapi": XAPI, "caliper": CALIPER}
#: What makes statements with them.
FINISHED: Mapping[str, Finish] = {"xapi": xapi_statements, "caliper": caliper_statements}
