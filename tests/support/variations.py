"""Hypothesis strategies for tracking events that vary in all fields that the transformers read, for parity tests.

``events(name)`` returns raw events with this name, as in a line of the tracking log: one of the name's forms
(``known_events.FORMS_OF``), by any user of the sample. Most are valid. In some, fields are missing, empty, of another
type, or have values as in real logs. Upstream transforms about two thirds of them and rejects the others.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support import sample_identities as sample
from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS_OF
from tests.support.variation_values import (
    ANSWERS,
    COURSES,
    INVALID_PEOPLE,
    MISSING,
    NUMBERS,
    ODD_VALUES,
    PEOPLE,
    POSTED,
    REFERERS,
    RETIRED_NAME,
    SUBMISSIONS,
    TIMES,
    UNKNOWN_PEOPLE,
)

Path = tuple[str, ...]
Event = dict[str, Any]

#: The time of the oldest events.
SINCE = datetime(2012, 1, 1, tzinfo=UTC)

#: Fields outside the data that transformers read, or that only some forms have.
CONTEXT_FIELDS: list[Path] = [
    ("username",),
    ("user_id",),
    ("session",),
    ("referer",),
    ("event_source",),
    ("timestamp",),
    ("event",),
    ("data",),
    ("context",),
    *(
        ("context", field)
        for field in (
            "course_id",
            "user_id",
            "username",
            "path",
            "session",
            "referer",
            "event_source",
            "module",
            "org_id",
        )
    ),
]

#: The fields that can have the user.
USER_FIELDS: list[Path] = [
    (*parents, field) for parents in ((), ("context",), ("event",)) for field in ("user_id", "username")
]

#: Fields that upstream searches at any depth: another field with the same name may be found first.
SEARCHED_FIELDS = [
    "session",
    "username",
    "user_id",
    "referer",
    "event_source",
    "display_name",
    "response_type",
    "usage_key",
    "problem_id",
    "module_id",
    "hint_index",
    "thread_type",
    "vote_value",
    "submission",
    "grade",
    "max_grade",
    "attempts",
    "success",
    "old_speed",
    "new_speed",
    "data",
    "name",
    "timestamp",
]
#: Objects that get such another field.
HOLDERS: list[Path] = [(), ("context",), ("context", "module"), ("event",), ("event", "state"), ("zz",)]

#: Fields of the data that a transformer reads but not all forms have, by a part of the event's name.
DATA_FIELDS = {
    "video": ["id", "duration", "current_time", "currentTime", "old_time", "new_time", "old_speed", "new_speed"],
    "edx.forum": ["id", "title", "discussion", "thread_type", "vote_value"],
    "edx.grades": ["weighted_earned", "weighted_possible", "problem_id", "module_id", "percent_grade", "letter_grade"],
    "edx.ui": ["id", "target_url", "target_name", "current_tab", "target_tab", "tab_count"],
    "problem": ["problem_id", "module_id", "attempts", "grade", "max_grade", "success", "submission", "answers"],
    "": ["user_id", "username", "course_id", "mode"],
}


def event_names() -> list[str]:
    """Return the event names in both of upstream's registries. Django must be set up."""
    # These modules register upstream's transformers. They cannot be imported before Django is set up.
    from event_routing_backends.processors.caliper import event_transformers as _  # noqa: F401
    from event_routing_backends.processors.caliper.registry import CaliperTransformersRegistry
    from event_routing_backends.processors.xapi import event_transformers as __  # noqa: F401
    from event_routing_backends.processors.xapi.registry import XApiTransformersRegistry

    return sorted({*XApiTransformersRegistry.mapping, *CaliperTransformersRegistry.mapping})


@st.composite
def events(draw: st.DrawFn, name: str) -> Event:
    """Return a strategy for raw events with this name."""
    form = draw(st.sampled_from(FORMS_OF[name]))
    event = copy.deepcopy(raw_event(form, draw(scenes())))
    if isinstance(event["event"], str) and event["event"].startswith("{"):
        # Vary the parsed data; as_logged() makes it a text again.
        event["event"] = json.loads(event["event"])
    variations = OF_ALL + OF_PROBLEMS if "problem" in name else OF_ALL
    for vary in draw(st.lists(st.sampled_from(variations), max_size=4)):
        vary(draw, event)
    return draw(as_logged(event))


def scenes() -> st.SearchStrategy[Scene]:
    """Return a strategy for scenes: any user and course of the sample, mostly at a valid time."""
    seconds_since_2012 = st.floats(0, 18 * 365 * 86_400, allow_nan=False)
    usual_times = seconds_since_2012.map(lambda after: (SINCE + timedelta(seconds=after)).isoformat())
    fields: dict[str, st.SearchStrategy[Any]] = {
        "user_id": st.sampled_from([3, 4, 5, 6, 13]),
        "username": st.sampled_from(["ada", "李雷", "1984", RETIRED_NAME]),
        "course_id": st.sampled_from(
            [sample.ASTRO, sample.REEFS, sample.LINGUISTICS, sample.EVENING_GROUP, sample.TEA]
        ),
        "time": st.one_of(usual_times, st.sampled_from(TIMES[:6])),
        "number": st.integers(min_value=0, max_value=500),
    }
    return st.fixed_dictionaries(fields).map(lambda values: Scene(**values))


@st.composite
def as_logged(draw: st.DrawFn, event: Event) -> Event:
    """Return a strategy for the ways to log one event: with the data as an object or as text, and keys in any order."""
    data = event.get("event")
    # The data of one in four events of the server is a text; of others, one in two.
    as_text = draw(st.integers(0, 3)) == 0 if event.get("event_source") == "server" else draw(st.booleans())
    if as_text and isinstance(data, (dict, list)):
        event = event | {"event": json.dumps(data, ensure_ascii=draw(st.booleans()))}
    if draw(st.integers(0, 9)) == 0:
        event = dict(draw(st.permutations(list(event.items()))))
    return event


def put(event: Event, path: Path, value: Any) -> None:
    """Set or remove a field. Missing objects on its path are created. Other values on it are not replaced."""
    *parents, last = path
    for key in parents:
        event = event.setdefault(key, {})
        if not isinstance(event, dict):
            return
    if value is MISSING:
        event.pop(last, None)
    else:
        # A copy, since a later variation may change the value.
        event[last] = copy.deepcopy(value)


def paths(value: Any, parents: Path = ()) -> list[Path]:
    """Return the paths of all fields of an event and of the objects inside it."""
    if not isinstance(value, dict):
        return []
    own = [(*parents, key) for key in value]
    return own + [deeper for key in value for deeper in paths(value[key], (*parents, key))]


def vary_context(draw: st.DrawFn, event: Event) -> None:
    put(event, draw(st.sampled_from(CONTEXT_FIELDS)), draw(ODD_VALUES))


def vary_data(draw: st.DrawFn, event: Event) -> None:
    """Change a field of the data: an existing one, or one that a transformer may read."""
    family = [fields for word, fields in DATA_FIELDS.items() if word in str(event.get("name"))]
    read: list[Path] = [("event", field) for fields in family for field in fields]
    existing = paths(event.get("event"), ("event",))
    put(event, draw(st.sampled_from(existing + read)), draw(ODD_VALUES))


def vary_anything(draw: st.DrawFn, event: Event) -> None:
    existing = [path for path in paths(event) if path != ("name",)]
    if existing:
        put(event, draw(st.sampled_from(existing)), draw(ODD_VALUES))


def add_searched_field(draw: st.DrawFn, event: Event) -> None:
    path = (*draw(st.sampled_from(HOLDERS)), draw(st.sampled_from(SEARCHED_FIELDS)))
    if path != ("name",):
        put(event, path, draw(ODD_VALUES))


def vary_user(draw: st.DrawFn, event: Event) -> None:
    field = draw(st.sampled_from(USER_FIELDS))
    people = st.one_of(st.sampled_from(PEOPLE), st.sampled_from(UNKNOWN_PEOPLE), st.sampled_from(INVALID_PEOPLE))
    put(event, field, draw(people))
    if draw(st.booleans()):
        # Remove the user from all other fields.
        for other in USER_FIELDS:
            if other != field and at(event, other[:-1], {}):
                put(event, other, MISSING)


def vary_course(draw: st.DrawFn, event: Event) -> None:
    put(event, ("context", "course_id"), draw(st.sampled_from(COURSES)))
    if draw(st.booleans()):
        put(event, ("event", "course_id"), draw(st.sampled_from(COURSES)))


def vary_time(draw: st.DrawFn, event: Event) -> None:
    put(event, ("time",), draw(st.sampled_from(TIMES)))
    if draw(st.integers(0, 3)) == 0:
        put(event, ("timestamp",), draw(st.sampled_from(TIMES)))
        put(event, ("time",), draw(st.sampled_from([MISSING, *TIMES])))


def vary_number(draw: st.DrawFn, event: Event) -> None:
    """Replace a number by another one, or by a value that is not a number."""
    numbers = [path for path in paths(event.get("event"), ("event",)) if type(at(event, path)) in (int, float)]
    if numbers:
        values = st.one_of(st.sampled_from([*NUMBERS, None, "", "1", "2.5", True]), st.integers(0, 100))
        put(event, draw(st.sampled_from(numbers)), draw(values))


def at(event: Event, path: Path, default: Any = None) -> Any:
    value: Any = event
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return default
        value = value[key]
    return value


def vary_answers(draw: st.DrawFn, event: Event) -> None:
    """Set the answers to none, one or several questions."""
    questions = st.dictionaries(st.sampled_from(["b_2_1", "b_3_1", "ü_4_1", "", "5"]), SUBMISSIONS, max_size=4)
    put(event, ("event", "submission"), draw(questions))
    answers = st.one_of(ANSWERS, st.dictionaries(st.text(max_size=3), ANSWERS, max_size=2))
    put(event, ("event", "answers"), draw(answers))


def vary_referer(draw: st.DrawFn, event: Event) -> None:
    put(event, draw(st.sampled_from([("referer",), ("context", "referer")])), draw(st.sampled_from(REFERERS)))


def vary_posted_text(draw: st.DrawFn, event: Event) -> None:
    """Set the data as browsers post it: a query string, any JSON text, or nothing."""
    put(event, ("event",), draw(st.sampled_from(POSTED)))


def vary_source(draw: st.DrawFn, event: Event) -> None:
    field = draw(st.sampled_from([("event_source",), ("context", "event_source")]))
    put(event, field, draw(st.sampled_from(["browser", "server", "mobile", "task", "", None, MISSING, ["browser"]])))


Vary = Callable[[st.DrawFn, Event], None]

#: More often the fields that most transformers read.
OF_ALL: list[Vary] = [
    *(vary_data, vary_data, vary_data, vary_number, vary_number, vary_user, vary_course, vary_time),
    *(vary_context, vary_anything, add_searched_field, vary_source),
]
OF_PROBLEMS: list[Vary] = [vary_answers, vary_answers, vary_answers, vary_referer, vary_posted_text, vary_source]
