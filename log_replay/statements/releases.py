"""How the installed release of event-routing-backends (ERB) makes statements, where certified releases differ.

Each function calls ERB's own code instead of comparing versions: a site may have a fork with a later change.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def username_first() -> bool:
    """Return True if ERB prefers usernames to ids, and the whole event to its data: before 9.3.6."""
    return bool(_mixin(username="name", data={"user_id": 1}).extract_username_or_userid() == "name")


@cache
def session_in_sections() -> bool:
    """Return True if an event without a session may have one in its context or data: before 9.3.6."""
    return bool(_mixin(session="", context={"session": "inner"}).extract_sessionid())


@cache
def answers_in_ascii() -> bool:
    """Return True if other characters are escaped in lists of answers: before 9.3.3."""
    from event_routing_backends.processors.xapi.event_transformers import (  # noqa: PLC0415 - needs a configured Django
        problem_interaction_events,
    )

    return bool(problem_interaction_events.JSONEncodedResult(response=["\xe9"]).response.isascii())


@cache
def courses_are_cached() -> bool:
    """Return True if ERB looks for a course in a cache first, which raises another error for a list: from 9.3.2 on."""
    from event_routing_backends import helpers  # noqa: PLC0415 - needs a configured Django

    return hasattr(helpers.get_course_from_id, "cache_info")


def _mixin(**fields: object) -> Any:
    from event_routing_backends.processors.mixins.base_transformer import (  # noqa: PLC0415 - needs a configured Django
        BaseTransformerMixin,
    )

    return BaseTransformerMixin(fields)
