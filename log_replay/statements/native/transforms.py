"""The native transforms of both transformer types, by event name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.statements.native.caliper import envelope
from log_replay.statements.native.caliper.events import EVENTS as CALIPER
from log_replay.statements.native.caliper.recipes import recipes_of as caliper_recipes
from log_replay.statements.native.xapi import statement
from log_replay.statements.native.xapi.events import EVENTS as XAPI
from log_replay.statements.native.xapi.recipes import recipes_of as xapi_recipes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_replay.records import EventFields
    from log_replay.statements.native.caliper.event import CaliperTransform
    from log_replay.statements.native.parts import CachedCourses
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.recipes import LineRecipe
    from log_replay.statements.native.xapi.statement import XapiTransform

#: Transforms an event with one name.
Transform: TypeAlias = "XapiTransform | CaliperTransform"

#: The native transforms, by transformer type and event name.
TRANSFORMS: Mapping[str, Mapping[str, Transform]] = {"xapi": XAPI, "caliper": CALIPER}

#: The functions that check the values which upstream uses before all others, by transformer type. They raise an error
#: if one of these values is the reason for the reject, or may be.
REJECT_CHECKS: Mapping[str, Callable[[EventFields, Platform], None]] = {
    "xapi": statement.check_reject,
    "caliper": envelope.check_reject,
}

#: The functions that return the recipes of events with native transforms, by transformer type.
RECIPES: Mapping[str, Callable[[Mapping[str, Any], Platform, CachedCourses], dict[str, LineRecipe]]] = {
    "xapi": xapi_recipes,
    "caliper": caliper_recipes,
}
