"""Vector's own unit tests (``vector/tests``), run in other VRL engines."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.support.vector.engines import Topology, condition_holds
from tests.support.vector.shipped import DEAD_LETTER, SINKS, TRANSFORMS, VECTOR, composed, compositions, named

CONFIG = composed(TRANSFORMS, *SINKS, *sorted((VECTOR / "tests").glob("*.yaml")))


@pytest.mark.parametrize("case", CONFIG["tests"], ids=lambda case: case["name"])
def test_unit_test_passes(case, engine):
    topology = Topology(CONFIG, engine)
    events = [given["log_fields"] for given in case["inputs"]]
    (insert_at,) = {given["insert_at"] for given in case["inputs"]}

    outputs = topology.run(insert_at, events)

    for expected in case["outputs"]:
        (event,) = outputs[expected["extract_from"]]
        assert all(condition_holds(engine, condition, event) for condition in expected["conditions"]), event


def test_names_of_unit_tests_are_unique():
    names = [case["name"] for case in CONFIG["tests"]]

    assert len(names) == len(set(names))


def test_every_reason_of_the_program_has_a_unit_test():
    program = CONFIG["transforms"]["statements_read"]["source"]
    conditions = "".join(
        condition["source"] for case in CONFIG["tests"] for out in case["outputs"] for condition in out["conditions"]
    )
    reasons = set(re.findall(r'reason = "(\w+)"', program)) | set(re.findall(r'\{ "(\w+)" \}', program))
    shown = set(re.findall(r"\.reason, s'(\w+)'", conditions))

    # `kind_not_taken` needs other settings: see the tests below.
    assert reasons - {"kind_not_taken"} == shown


@pytest.mark.parametrize("kinds", ["xapi", "xapi, tracking", "caliper", "xapi, caliper, tracking"])
def test_kinds_that_no_sink_stores_go_to_the_dead_letter(kinds, engine):
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


@pytest.mark.parametrize("kinds", ["xapy", "xapi caliper", "'xapi'; drop"])
def test_vector_does_not_start_with_an_unknown_kind(kinds, engine):
    program = composed(TRANSFORMS, environment={"LOG_REPLAY_KINDS": kinds})["transforms"]["statements_read"]["source"]

    with pytest.raises(AssertionError):
        engine.check(program)


@pytest.mark.parametrize("paths", compositions(), ids=named)
def test_no_composition_starts_without_the_environment(paths, engine):
    """Each has a program with a reference that is not valid VRL if Vector does not insert the environment."""
    programs = [
        transform["source"]
        for path in paths
        for transform in yaml.safe_load(path.read_text()).get("transforms", {}).values()
        if re.search(r"(?<!['\"])\$\{", transform.get("source", ""))
    ]
    assert programs

    for program in programs:
        with pytest.raises(AssertionError):
            engine.check(program)
