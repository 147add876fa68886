"""Statements are equal to those of event-routing-backends."""

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
from tests.support.upstream_reference import Reference, normalised, replaced_helpers
from tests.support.variations import event_names, events

TYPES = ["xapi", "caliper"]


class Pipeline:
    """Transforms lines as the pipeline does, with the identities in the tests' database."""

    def __init__(self, transformer_type: str) -> None:
        self.transformer = UpstreamTransformer(transformer_type)
        self.identities = IdentityCache(DatabaseLookup(lms_models(), transformer_type, add=False))

    def __call__(self, *lines: bytes):
        text = b"".join(line + b"\n" for line in lines)
        block = LineBlock("log", (text,), 0, len(text))
        with identities_answer(self.identities):
            return transform_block(block, filters=Filters(), identities=self.identities, transformer=self.transformer)


def texts(result) -> list[bytes]:
    return [statement.text for event in result.events for statement in event.statements]


def by_upstream(reference: Reference, identities, line: bytes):
    """Return upstream's statements of a line, and the type of the exception that it raises."""
    with replaced_helpers(identities):
        try:
            return reference.statements(line.decode()), None
        except Exception as error:  # noqa: BLE001 - exceptions of all types are compared
            return [], type(error).__name__


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize("transformer_type", TYPES)
@pytest.mark.parametrize("name", event_names())
def test_statements_are_equal_to_upstreams(name, transformer_type, sample_identities):
    """An event gives upstream's statements, or is rejected if upstream raises an exception or gives none."""
    pipeline, reference = Pipeline(transformer_type), Reference(transformer_type)

    @examples(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(events(name))
    def check(event):
        line = json.dumps(event).encode()
        result = pipeline(line)
        if name not in pipeline.transformer.names:
            assert result.counters.unknown == 1
            return
        expected, raised = by_upstream(reference, sample_identities, line)
        assert [normalised(json.loads(text)) for text in texts(result)] == expected
        if not expected:
            (reject,) = result.rejects
            if raised not in {None, "ValueError"} and not reject.unparsable:
                assert reject.reason == raised

    check()


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize("transformer_type", TYPES)
def test_statements_of_the_sample_log_are_upstreams(transformer_type, sample_identities, sample_log):
    pipeline, reference = Pipeline(transformer_type), Reference(transformer_type)
    lines = sample_log.split(b"\n")
    result = pipeline(*lines)
    transformed = {event.position.offset: event for event in result.events}
    offset = 0
    for line in lines:
        if offset in transformed:
            expected, _ = by_upstream(reference, sample_identities, line)
            assert [normalised(json.loads(transformed[offset].statements[0].text))] == expected[:1]
            assert len(transformed[offset].statements) == len(expected)
        offset += len(line) + 1
    assert result.counters.transformed == len(transformed) > 100


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize("transformer_type", TYPES)
def test_each_replay_gives_the_same_bytes(transformer_type, sample_log):
    first, second = (Pipeline(transformer_type)(*sample_log.split(b"\n")) for _ in range(2))
    assert texts(first) == texts(second)


@pytest.mark.usefixtures("sample_identities")
def test_caliper_ids_depend_on_the_lines_json_only(sample_log):
    pipeline = Pipeline("caliper")
    ids = [event.statements[0].id for event in pipeline(*sample_log.split(b"\n")).events]
    assert len(set(ids)) == len(ids)
    prefixed = [b"INFO [tracking] - " + line for line in sample_log.split(b"\n") if line.startswith(b"{")]
    assert {event.statements[0].id for event in pipeline(*prefixed).events} <= set(ids)


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
def test_an_invalid_event_is_rejected_with_its_reason(changes, reason):
    (reject,) = Pipeline("xapi")(play(**changes)).rejects
    assert (reject.reason, reject.name) == (reason, "play_video")


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize("ifi", ["mbox", "mbox_sha1sum"])
def test_actors_have_the_configured_identifier(ifi, settings, sample_identities):
    settings.XAPI_AGENT_IFI_TYPE = ifi
    (text,) = texts(Pipeline("xapi")(play()))
    assert ifi in json.loads(text)["actor"]
    expected, _ = by_upstream(Reference("xapi"), sample_identities, play())
    assert normalised(json.loads(text)) == expected[0]


@pytest.mark.usefixtures("sample_identities")
def test_the_operators_openedx_filters_are_applied(settings):
    settings.OPEN_EDX_FILTERS_CONFIG = {
        "event_routing_backends.processors.xapi.transformer.xapi_transformer.get_actor": {
            "pipeline": ["tests.support.pipeline_steps.AnonymousActor"],
            "fail_silently": False,
        }
    }
    (text,) = texts(Pipeline("xapi")(play()))
    assert json.loads(text)["actor"]["account"]["name"] == "anonymous"


@pytest.mark.usefixtures("sample_identities")
def test_transformers_of_third_parties_are_used(settings, monkeypatch):
    from event_routing_backends.processors.xapi.registry import XApiTransformersRegistry

    registry = XApiTransformersRegistry.mapping
    monkeypatch.setitem(registry, "third.party", registry["play_video"])
    settings.EVENT_TRACKING_BACKENDS = json.loads(
        json.dumps(settings.EVENT_TRACKING_BACKENDS, default=list).replace('"play_video"', '"third.party"')
    )
    pipeline = Pipeline("xapi")
    assert "third.party" in pipeline.transformer.names
    assert "play_video" not in pipeline.transformer.names
    (reject,) = pipeline(play(name="third.party")).rejects
    assert reject.reason == "KeyError"


def test_a_disabled_transformer_type_is_an_error(settings):
    settings.CALIPER_EVENTS_ENABLED = False
    with pytest.raises(ConfigurationError, match="CALIPER_EVENTS_ENABLED is False"):
        UpstreamTransformer("caliper")


def test_missing_backends_are_a_configuration_error(settings):
    settings.EVENT_TRACKING_BACKENDS = {}
    with pytest.raises(ConfigurationError, match="does not configure xapi"):
        UpstreamTransformer("xapi")


@pytest.mark.usefixtures("sample_identities")
def test_only_one_run_at_a_time_can_replace_helpers():
    with (
        identities_answer(IdentityCache(None)),
        pytest.raises(ConfigurationError),
        identities_answer(IdentityCache(None)),
    ):
        pass


@pytest.mark.usefixtures("sample_identities")
def test_upstreams_helpers_are_restored():
    from event_routing_backends import helpers

    before = {name: getattr(helpers, name) for name in ("get_user", "ExternalId", "ExternalIdType")}
    Pipeline("xapi")(play())
    assert {name: getattr(helpers, name) for name in before} == before


@pytest.mark.usefixtures("sample_identities")
def test_upstream_logs_no_usernames(caplog):
    caplog.set_level("DEBUG")
    Pipeline("xapi")(play(context={"user_id": None}, username="secret_learner"))
    assert "secret_learner" not in caplog.text
