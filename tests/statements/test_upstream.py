"""The proof of what this project promises: its statements are those that event-routing-backends makes."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples

from log_replay.errors import ConfigurationError
from log_replay.events.filters import Filters
from log_replay.identities.cache import IdentityCache
from log_replay.identities.database import DatabaseLookup, lms_models
from log_replay.records import LineBlock
from log_replay.statements.block import transform_block
from log_replay.statements.upstream import UpstreamTransformer, identities_answer
from tests.support.upstream_reference import Reference, normalised, stand_ins
from tests.support.variations import event_names, events

TYPES = ["xapi", "caliper"]


class Ours:
    """What the pipeline makes of lines, on the database that the tests have."""

    def __init__(self, transformer_type: str) -> None:
        self.transformer = UpstreamTransformer(transformer_type)
        self.directory = IdentityCache(DatabaseLookup(lms_models(), transformer_type, add=False))

    def __call__(self, *lines: bytes):
        text = b"".join(line + b"\n" for line in lines)
        block = LineBlock("log", (text,), 0, len(text))
        with identities_answer(self.directory):
            return transform_block(block, filters=Filters(), directory=self.directory, transformer=self.transformer)


def texts(result) -> list[bytes]:
    return [statement.text for event in result.events for statement in event.statements]


def upstream(reference: Reference, directory, line: bytes):
    """What upstream makes of a line, and the type of what it raises."""
    with stand_ins(directory):
        try:
            return reference.statements(line.decode()), None
        except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
            return [], type(error).__name__


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize("transformer_type", TYPES)
@pytest.mark.parametrize("name", event_names())
def test_statements_equal_those_of_upstream(name, transformer_type, sample_identities):
    """Whatever an event of this name holds: the same statements, or a reject where upstream raises or gives none."""
    ours, reference = Ours(transformer_type), Reference(transformer_type)

    @examples(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(events(name))
    def check(event):
        line = json.dumps(event).encode()
        result = ours(line)
        if name not in ours.transformer.names:
            assert result.counters.unknown == 1
            return
        expected, raised = upstream(reference, sample_identities, line)
        assert [normalised(json.loads(text)) for text in texts(result)] == expected
        if not expected:
            (reject,) = result.rejects
            if raised not in {None, "ValueError"} and not reject.unparsable:
                assert reject.reason == raised

    check()


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize("transformer_type", TYPES)
def test_the_sample_log_gives_the_statements_of_upstream(transformer_type, sample_identities, sample_log):
    ours, reference = Ours(transformer_type), Reference(transformer_type)
    lines = sample_log.split(b"\n")
    result = ours(*lines)
    made = {event.position.offset: event for event in result.events}
    offset = 0
    for line in lines:
        if offset in made:
            expected, _ = upstream(reference, sample_identities, line)
            assert [normalised(json.loads(made[offset].statements[0].text))] == expected[:1]
            assert len(made[offset].statements) == len(expected)
        offset += len(line) + 1
    assert result.counters.transformed == len(made) > 100


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize("transformer_type", TYPES)
def test_a_replay_gives_the_same_bytes(transformer_type, sample_log):
    first, second = (Ours(transformer_type)(*sample_log.split(b"\n")) for _ in range(2))
    assert texts(first) == texts(second)


@pytest.mark.usefixtures("sample_identities")
def test_equal_lines_have_equal_caliper_ids_and_different_lines_have_not(sample_log):
    ours = Ours("caliper")
    ids = [event.statements[0].id for event in ours(*sample_log.split(b"\n")).events]
    assert len(set(ids)) == len(ids)
    prefixed = [b"INFO [tracking] - " + line for line in sample_log.split(b"\n") if line.startswith(b"{")]
    assert {event.statements[0].id for event in ours(*prefixed).events} <= set(ids)


PLAY = {
    "name": "play_video",
    "event_source": "browser",
    "time": "2026-03-02T08:00:00+00:00",
    "context": {"user_id": 3, "course_id": "course-v1:ExampleX+ASTRO101+2026_Spring"},
    "event": {"id": "0b9e39477cf34507a7a48f74be381fdd", "currentTime": 0, "duration": 10, "code": "x"},
}


def play(**changes) -> bytes:
    return json.dumps({**PLAY, **changes}).encode()


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"context": {"user_id": None}, "username": ""}, "anonymous"),
        ({"context": {"user_id": 4711, "course_id": PLAY["context"]["course_id"]}}, "unknown_user"),
        ({"context": {"user_id": 10, "course_id": PLAY["context"]["course_id"]}}, "no_external_id"),
        ({"context": {"user_id": 3, "course_id": "course-v1:No+Such+Course"}}, "unknown_course"),
        ({"context": {"user_id": 3, "course_id": "no course"}}, "InvalidKeyError"),
        ({"context": {"user_id": [3]}}, "TypeError"),
        ({"event": {"id": "v", "currentTime": float("nan"), "duration": 10, "code": "x"}}, "non_finite_number"),
    ],
)
def test_what_cannot_be_made_is_rejected_for_a_reason_that_can_be_acted_on(changes, reason):
    (reject,) = Ours("xapi")(play(**changes)).rejects
    assert (reject.reason, reject.name) == (reason, "play_video")


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize("ifi", ["mbox", "mbox_sha1sum"])
def test_actors_are_named_as_the_settings_say(ifi, settings, sample_identities):
    settings.XAPI_AGENT_IFI_TYPE = ifi
    (text,) = texts(Ours("xapi")(play()))
    assert ifi in json.loads(text)["actor"]
    expected, _ = upstream(Reference("xapi"), sample_identities, play())
    assert normalised(json.loads(text)) == expected[0]


@pytest.mark.usefixtures("sample_identities")
def test_an_operator_s_filters_are_respected(settings):
    settings.OPEN_EDX_FILTERS_CONFIG = {
        "event_routing_backends.processors.xapi.transformer.xapi_transformer.get_actor": {
            "pipeline": ["tests.support.pipeline_steps.AnonymousActor"],
            "fail_silently": False,
        }
    }
    (text,) = texts(Ours("xapi")(play()))
    assert json.loads(text)["actor"]["account"]["name"] == "somebody"


@pytest.mark.usefixtures("sample_identities")
def test_third_parties_transformers_are_respected(settings, monkeypatch):
    from event_routing_backends.processors.xapi.registry import XApiTransformersRegistry

    registry = XApiTransformersRegistry.mapping
    monkeypatch.setitem(registry, "third.party", registry["play_video"])
    settings.EVENT_TRACKING_BACKENDS = json.loads(
        json.dumps(settings.EVENT_TRACKING_BACKENDS, default=list).replace('"play_video"', '"third.party"')
    )
    ours = Ours("xapi")
    assert "third.party" in ours.transformer.names
    assert "play_video" not in ours.transformer.names
    (reject,) = ours(play(name="third.party")).rejects
    assert reject.reason == "KeyError"


def test_a_type_that_the_settings_switch_off_is_wrong_configuration(settings):
    settings.CALIPER_EVENTS_ENABLED = False
    with pytest.raises(ConfigurationError, match="CALIPER_EVENTS_ENABLED is off"):
        UpstreamTransformer("caliper")


def test_settings_without_our_backends_are_wrong_configuration(settings):
    settings.EVENT_TRACKING_BACKENDS = {}
    with pytest.raises(ConfigurationError, match="does not configure xapi"):
        UpstreamTransformer("xapi")


@pytest.mark.usefixtures("sample_identities")
def test_only_one_run_at_a_time_answers_for_upstream():
    with (
        identities_answer(IdentityCache(None)),
        pytest.raises(ConfigurationError),
        identities_answer(IdentityCache(None)),
    ):
        pass


@pytest.mark.usefixtures("sample_identities")
def test_upstream_is_left_as_it_was():
    from event_routing_backends import helpers

    before = {name: getattr(helpers, name) for name in ("get_user", "ExternalId", "ExternalIdType")}
    Ours("xapi")(play())
    assert {name: getattr(helpers, name) for name in before} == before


@pytest.mark.usefixtures("sample_identities")
def test_nothing_private_is_logged_by_upstream(caplog):
    caplog.set_level("DEBUG")
    Ours("xapi")(play(context={"user_id": None}, username="secret_learner"))
    assert "secret_learner" not in caplog.text
