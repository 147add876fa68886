"""Vector's own unit tests (``vector/tests``), run in other engines."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.support.vector.engines import Topology, defer_signals
from tests.support.vector.shipped import DEAD_LETTER, SINKS, TRANSFORMS, VECTOR, composed

CONFIG = composed(TRANSFORMS, *SINKS, *sorted((VECTOR / "tests").glob("*.yaml")))


@pytest.mark.parametrize("case", CONFIG["tests"], ids=lambda case: case["name"])
def test_case(case, engine):
    topology = Topology(CONFIG, engine)
    events = [given["log_fields"] for given in case["inputs"]]
    (insert_at,) = {given["insert_at"] for given in case["inputs"]}

    outputs = topology.run(insert_at, events)

    for expected in case["outputs"]:
        (event,) = outputs[expected["extract_from"]]
        assert all(defer_signals(engine, condition, event) for condition in expected["conditions"]), event


def test_names_are_unique():
    names = [case["name"] for case in CONFIG["tests"]]

    assert len(names) == len(set(names))


def test_every_reason_of_the_program_has_a_case():
    program = CONFIG["transforms"]["statements_read"]["source"]
    conditions = "".join(
        condition["source"] for case in CONFIG["tests"] for out in case["outputs"] for condition in out["conditions"]
    )
    reasons = set(re.findall(r'reason = "(\w+)"', program)) | set(re.findall(r'\{ "(\w+)" \}', program))
    shown = set(re.findall(r"\.reason, s'(\w+)'", conditions))

    # The tests of settings below have a case of it: it takes another environment.
    assert reasons - {"kind_not_taken"} == shown


@pytest.mark.parametrize("kinds", ["xapi", "xapi, tracking", "caliper"])
def test_a_kind_that_no_sink_takes_goes_to_the_dead_letter(kinds, engine):
    config = composed(TRANSFORMS, DEAD_LETTER, environment={"LOG_REPLAY_KINDS": kinds})
    messages = {
        case["name"]: case["inputs"][0]["log_fields"]["message"]
        for case in CONFIG["tests"]
        if case["name"] in ("raw line", "raw Caliper event", "tracking line of the LMS")
    }
    of_kind = {"raw line": "xapi", "raw Caliper event": "caliper", "tracking line of the LMS": "tracking"}

    outputs = Topology(config, engine).run("statements_read", [{"message": text} for text in messages.values()])

    refused = {event["message"] for event in outputs.get("dead_letter", []) if event["reason"] == "kind_not_taken"}
    assert refused == {text for name, text in messages.items() if of_kind[name] not in kinds.split(", ")}


def test_where_the_environment_is_not_read_every_kind_is_taken(engine):
    config = yaml.safe_load(TRANSFORMS.read_text())
    (message,) = (case for case in CONFIG["tests"] if case["name"] == "raw line")

    outputs = Topology(config, engine).run("statements_read", [message["inputs"][0]["log_fields"]])

    assert len(outputs["xapi"]) == 1
