"""Which way events go, and what is told of it."""

import json

import pytest
from event_routing_backends.processors.xapi.registry import XApiTransformersRegistry

from log_replay.errors import IdentityError
from log_replay.identities import UnknownIdentity
from log_replay.records import BlockResult, Statement
from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS_OF


def played(**fields):
    return raw_event(FORMS_OF["play_video"][0], Scene()) | fields


class Differing:
    """Upstream with a difference: a transformer that somebody changed, but for its source."""

    def __init__(self, upstream):
        self._upstream = upstream
        self.names = upstream.names

    def transform(self, event, identities):
        return tuple(Statement(made.id, made.timestamp, b"{}") for made in self._upstream.transform(event, identities))


@pytest.fixture
def kind():
    return "xapi"


def test_a_certified_event_goes_the_native_way(sides):
    sides.native = sides.transformer(as_certified=True)
    sides.made_natively(played())
    assert dict(sides.native.transform_paths) == {"native": 1}


def test_an_event_whose_transformer_is_not_what_was_checked_goes_through_upstream(sides, monkeypatch):
    mapping = XApiTransformersRegistry.mapping
    monkeypatch.setitem(mapping, "play_video", mapping["load_video"])
    sides.native = sides.transformer(as_certified=True)
    made = sides.made_natively(played())
    assert "result" not in json.loads(made[0].text)
    assert dict(sides.native.transform_paths) == {"fingerprint": 1}


def test_a_reject_that_upstream_would_have_no_other_word_for_needs_no_upstream(sides):
    assert isinstance(sides.made_natively(played(username="nobody", context={})), UnknownIdentity)
    assert dict(sides.native.transform_paths) == {"native": 1}


def test_what_is_unusual_of_one_event_goes_through_upstream(sides):
    made = sides.made_natively(played(time="2026-03-02T08:15Z"))
    assert made[0].timestamp == "2026-03-02T08:15:00+00:00"
    assert dict(sides.native.transform_paths) == {"unsupported_shape": 1}


@pytest.mark.parametrize("reason", ["requested", "processors"])
def test_nothing_goes_the_native_way_where_that_is_forbidden(sides, reason):
    native = sides.transformer(fallback_reason=reason)
    sides.native = native
    assert sides.made_natively(played()) == sides.made_by_upstream(played())
    assert dict(native.transform_paths) == {reason: 1}


def test_an_event_that_only_a_third_party_transforms_is_not_certified(sides):
    assert sides.native.native_for("org.example.event") == (None, "uncertified")


def test_its_names_are_upstreams(sides):
    assert sides.native.names == sides.upstream.names


def test_a_sample_is_compared_with_upstream(sides):
    sides.native = sides.transformer(verify_sample=1.0)
    sides.made_natively(played())
    sides.made_natively(played(username="nobody", context={}))
    assert (sides.native.verified, sides.native.differences) == (2, [])


def test_a_difference_is_told_and_changes_nothing(sides):
    sides.native = sides.transformer(verify_sample=1.0, upstream=Differing(sides.upstream))
    made = sides.made_natively(played())
    assert json.loads(made[0].text)["verb"]["display"] == {"en": "played"}
    assert [(position.object, name) for position, name in sides.native.differences] == [("tracking.log", "play_video")]


def test_the_sample_is_a_share_of_the_positions_and_the_same_every_time(sides):
    def sampled():
        native = sides.native = sides.transformer(verify_sample=0.2, upstream=Differing(sides.upstream))
        for offset in range(400):
            sides.made_natively(played(), offset)
        return [position.offset for position, _ in native.differences]

    first = sampled()
    assert 40 < len(first) < 120
    assert sampled() == first


def test_what_was_counted_goes_with_each_block(sides):
    native = sides.native = sides.transformer(verify_sample=1.0, upstream=Differing(sides.upstream))
    results = []
    for name in ("first", "second"):
        sides.made_natively(played())
        results.append(BlockResult(name, 0))
        native.drain_stats(results[-1])
    assert [(dict(result.transform_paths), result.verified, len(result.differences)) for result in results] == [
        ({"native": 1}, 1, 1)
    ] * 2
    assert not native.transform_paths


def test_a_lost_directory_is_no_reason_to_ask_upstream(sides):
    class Lost:
        def external_id(self, user):
            raise IdentityError("gone")

    sides.identities = Lost()
    assert isinstance(sides.made_natively(played()), IdentityError)
    assert not sides.native.transform_paths
