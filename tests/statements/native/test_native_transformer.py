"""Transform paths of events, and their counters."""

import json

import pytest
from event_routing_backends.processors.xapi.registry import XApiTransformersRegistry

from log_replay.errors import IdentityError
from log_replay.identities import UnknownIdentity
from log_replay.records import BlockResult, Statement
from log_replay.statements import reject_reason
from log_replay.statements.native.caliper.event import _cached_members
from log_replay.statements.native.caliper.objects import _cached_unit, _cached_video
from log_replay.statements.native.caliper.problems import _cached_block
from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS_OF
from tests.support.transformers import event_of


def played(**fields):
    return raw_event(FORMS_OF["play_video"][0], Scene()) | fields


class Differing:
    """Upstream's transformer with different statements, as if it were patched in this process."""

    def __init__(self, upstream):
        self._upstream = upstream
        self.names = upstream.names

    def transform(self, event, identities):
        return tuple(Statement(made.id, made.timestamp, b"{}") for made in self._upstream.transform(event, identities))


@pytest.fixture
def transformer_type():
    return "xapi"


def test_a_certified_event_is_transformed_natively(transformers):
    transformers.native = transformers.new_native(as_certified=True)
    transformers.natively(played())
    assert dict(transformers.native.transform_paths) == {"native": 1}


def test_another_fingerprint_falls_back_to_upstream(transformers, monkeypatch):
    mapping = XApiTransformersRegistry.mapping
    monkeypatch.setitem(mapping, "play_video", mapping["load_video"])
    transformers.native = transformers.new_native(as_certified=True)
    made = transformers.natively(played())
    assert "result" not in json.loads(made[0].text)
    assert dict(transformers.native.transform_paths) == {"fingerprint": 1}


def test_an_unknown_user_is_rejected_natively(transformers):
    assert isinstance(transformers.natively(played(username="nobody", context={})), UnknownIdentity)
    assert dict(transformers.native.transform_paths) == {"native": 1}


def test_an_unsupported_shape_falls_back_to_upstream(transformers):
    rejection = transformers.natively(played(username="None", context={}))
    assert reject_reason(rejection) == "anonymous"
    assert dict(transformers.native.transform_paths) == {"unsupported_shape": 1}


@pytest.mark.parametrize("transformer_type", ["caliper"])
def test_two_defects_are_rejected_natively(transformers):
    """One of them is an unsupported shape. Upstream rejects the event for the other one."""
    raw = raw_event(FORMS_OF["edx.ui.lms.outline.selected"][0], Scene()) | {"time": "2026-03-02T08:15:27"}
    data = json.dumps({"target_url": {}, "target_name": "Unit 1", "current_url": ""})
    rejection = transformers.natively(raw | {"event": data})
    assert reject_reason(rejection) == reject_reason(transformers.by_upstream(raw | {"event": data}))
    assert dict(transformers.native.transform_paths) == {"native": 1}


@pytest.mark.parametrize("transformer_type", ["caliper"])
@pytest.mark.parametrize("name", ["play_video", "showanswer", "edx.ui.lms.sequence.next_selected"])
def test_long_ids_are_not_cached(transformers, name):
    """What is made of blocks contains the id of the course several times, and would fill the memory."""
    caches = (_cached_video, _cached_unit, _cached_block, _cached_members)
    before = [cache.cache_info().currsize for cache in caches]
    raw = raw_event(FORMS_OF[name][0], Scene())
    raw["context"]["course_id"] = f"course-v1:{'x' * 5000}+{name}+2026"
    assert raw["context"]["course_id"].encode() in transformers.natively(raw)[0].text
    assert [cache.cache_info().currsize for cache in caches] == before


def test_unsupported_events_are_counted_by_shape(transformers):
    transformers.natively(played(username="None", context={}, event={"id": "secret", "secret": [1], "currentTime": ""}))
    ((shape, count),) = transformers.native.unsupported_shapes.items()
    assert count == 1
    assert shape.startswith("play_video: UnsupportedEvent in acting_user; timestamp text, ")
    assert shape.endswith(", context {}, data {id text, currentTime empty text}")
    assert "None" not in shape
    assert "secret" not in shape


@pytest.mark.parametrize("reason", ["requested", "processors"])
def test_a_fallback_reason_for_all_events_is_respected(transformers, reason):
    native = transformers.new_native(fallback_reason=reason)
    transformers.native = native
    assert transformers.natively(played()) == transformers.by_upstream(played())
    assert dict(native.transform_paths) == {reason: 1}


def test_an_event_of_a_third_party_is_not_certified(transformers):
    assert transformers.native.native_for("org.example.event") == (None, "uncertified")


def test_the_event_names_are_upstreams(transformers):
    assert transformers.native.names == transformers.upstream.names


def test_a_sample_is_compared_with_upstream(transformers):
    transformers.native = transformers.new_native(verify_sample=1.0)
    transformers.natively(played())
    transformers.natively(played(username="nobody", context={}))
    assert (transformers.native.verified, transformers.native.differences) == (2, [])


def test_a_difference_is_reported_and_changes_no_statement(transformers):
    transformers.native = transformers.new_native(verify_sample=1.0, upstream=Differing(transformers.upstream))
    made = transformers.natively(played())
    assert json.loads(made[0].text)["verb"]["display"] == {"en": "played"}
    assert [(position.object, name) for position, name in transformers.native.differences] == [
        ("tracking.log", "play_video")
    ]


def test_each_replay_compares_the_same_share_of_events(transformers):
    def sampled():
        native = transformers.native = transformers.new_native(
            verify_sample=0.2, upstream=Differing(transformers.upstream)
        )
        for offset in range(400):
            transformers.natively(played(), offset)
        return [position.offset for position, _ in native.differences]

    first = sampled()
    assert 40 < len(first) < 120
    assert sampled() == first


def test_counters_are_moved_into_each_blocks_result(transformers):
    native = transformers.native = transformers.new_native(verify_sample=1.0, upstream=Differing(transformers.upstream))
    results = []
    for name in ("first", "second"):
        transformers.natively(played())
        results.append(BlockResult(name, 0))
        native.drain_stats(results[-1])
    assert [(dict(result.transform_paths), result.verified, len(result.differences)) for result in results] == [
        ({"native": 1}, 1, 1)
    ] * 2
    assert not native.transform_paths


def test_a_database_error_does_not_fall_back_to_upstream(transformers):
    class UnavailableIdentities:
        def external_id(self, user):
            raise IdentityError("gone")

    with pytest.raises(IdentityError):
        transformers.native.transform(event_of(played()), UnavailableIdentities())
    assert not transformers.native.transform_paths
