"""Statements and batches for sinks."""

from __future__ import annotations

import json
import uuid

from log_replay.records import ALL_ROUTES, Position, RouteNames, Statement, TransformedEvent


def xapi(*, time: str = "2026-03-02T08:15:27.913562+00:00", **more) -> Statement:
    """Make a valid xAPI statement with a new id, similar to ERB's."""
    statement = {
        "id": str(uuid.uuid4()),
        "version": "1.0.3",
        "timestamp": time,
        "actor": {
            "objectType": "Agent",
            "account": {"homePage": "http://localhost:18000", "name": "32e08e30-f8ae-4ce2-94a8-c2bfe38a70cb"},
        },
        "verb": {"id": "http://adlnet.gov/expapi/verbs/initialized", "display": {"en": "initialized ü"}},
        "object": {
            "id": "http://localhost:18000/course/course-v1:X+Y+Z",
            "objectType": "Activity",
            "definition": {"type": "http://adlnet.gov/expapi/activities/course", "name": {"en-US": "Café"}},
        },
        **more,
    }
    return Statement(statement["id"], time, json.dumps(statement, ensure_ascii=False).encode())


def caliper() -> Statement:
    """Make a Caliper envelope with an event with a new id."""
    event = {"id": f"urn:uuid:{uuid.uuid4()}", "type": "NavigationEvent"}
    envelope = {"sensor": "http://localhost:18000", "data": [event], "sendTime": "2026-03-02T08:15:27.913Z"}
    return Statement(event["id"], "2026-03-02T08:15:27.913Z", json.dumps(envelope).encode())


def event(
    *statements: Statement, offset: int = 0, routes: RouteNames = ALL_ROUTES, name: str = "tracking.log"
) -> TransformedEvent:
    """Make what became of the line at an offset of an object."""
    return TransformedEvent(Position(name, offset), "some.event", statements, routes)


def batch_of(count: int, make=xapi, start: int = 0) -> list[TransformedEvent]:
    """Make a batch of events with a statement each, whose offsets begin at ``start``."""
    return [event(make(), offset=start + 100 * number) for number in range(count)]


def texts(batch) -> list[bytes]:
    """Return all texts of a batch's statements, in order."""
    return [statement.text for each in batch for statement in each.statements]
