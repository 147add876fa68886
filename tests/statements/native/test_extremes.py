"""Values that no field is made for, anywhere in an event: numbers that JSON cannot spell, halves of characters ..."""

import copy
import json
import os
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_replay.statements.native.transforms import TRANSFORMS
from log_replay.statements.native.verification import same_statements
from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS_OF
from tests.support.variations import ANYWHERE, PLACES, paths, put

EXAMPLES = int(os.environ.get("LOG_REPLAY_PARITY_EXAMPLES", "25"))
EVERY_EVENT = [(kind, name) for kind, makes in TRANSFORMS.items() for name in sorted(makes)]

EXTREMES = st.sampled_from(
    [
        *(float("nan"), float("inf"), -float("inf"), 1e308, 5e-324, -0.0, 2**63, 2**64, -(2**70), 10**400),
        *("\ud800", "a\udfffb", "\x00", "\u2028", "nan", "inf", "-0", "1e999", "٣", "1_000", " 5 ", "null"),
        *(None, "", [], {}, 0, False, True, [None], ["a"], [float("nan")], {"": None}, {"a": {"b": {}}}),
        *([[[[[]]]]], {"user_id": 3, "session": "nested", "grade": None}),
    ]
)


@pytest.mark.parametrize(("kind", "name"), EVERY_EVENT)
def test_native_equals_upstream_whatever_stands_anywhere(sides, name):
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def check(data):
        raw = copy.deepcopy(raw_event(data.draw(st.sampled_from(FORMS_OF[name])), Scene()))
        for _ in range(data.draw(st.integers(1, 2))):
            there = [path for path in paths(raw) if path != ("name",)]
            namesakes = [(*place, key) for place in PLACES for key in ANYWHERE if (*place, key) != ("name",)]
            path = data.draw(st.one_of(st.sampled_from(there), st.sampled_from(namesakes)))
            put(raw, path, copy.deepcopy(data.draw(EXTREMES)))
        if sides.parsed(raw) is None:
            return
        ours, theirs = sides.made_natively(raw), sides.made_by_upstream(raw)
        assert same_statements(ours, theirs), (raw, ours, theirs)

    check()


def unpacked(form):
    """Return a raw event whose data is an object, as mobile apps and the LMS log it, where it can be one."""
    raw = copy.deepcopy(raw_event(form, Scene()))
    with suppress(TypeError, ValueError):
        raw["event"] = json.loads(raw["event"])
    return raw


@pytest.mark.parametrize(("kind", "name"), EVERY_EVENT)
def test_what_is_equal_is_not_taken_for_the_same(sides, name):
    """Nothing that was made of one value is kept for another that only equals it: 0.0 and -0.0, 1 and True."""
    for form in FORMS_OF[name]:
        for path in paths(unpacked(form)):
            for value in (0.0, -0.0, 1, True, 1.0):
                raw = unpacked(form)
                put(raw, path, value)
                if path == ("name",) or sides.parsed(raw) is None:
                    continue
                ours, theirs = sides.made_natively(raw), sides.made_by_upstream(raw)
                assert same_statements(ours, theirs), (path, value, ours, theirs)


@pytest.mark.parametrize("identifier", ["mbox", "mbox_sha1sum", "external_id", "anything else"])
@pytest.mark.parametrize("user_id", [3, "ada", 999, 11, None])
@pytest.mark.parametrize("kind", ["xapi"])
def test_actors_are_upstreams_however_they_are_identified(settings, sides, identifier, user_id):
    settings.XAPI_AGENT_IFI_TYPE = identifier
    sides.native = sides.transformer()
    raw = raw_event(FORMS_OF["showanswer"][0], Scene(user_id=user_id, username=""))
    assert same_statements(sides.made_natively(raw), sides.made_by_upstream(raw))
    assert dict(sides.native.transform_paths) == {"native": 1}


@pytest.mark.parametrize("root_url", ["https://lms.example.com", "https://ü.example/", 'http://"quoted"', ""])
def test_the_platforms_url_is_upstreams_whatever_it_is(settings, sides, root_url):
    settings.LMS_ROOT_URL = root_url
    sides.native = sides.transformer(sensor_id="http://localhost:18000")
    for name in ("play_video", "problem_check", "edx.course.enrollment.activated"):
        for form in FORMS_OF[name]:
            raw = raw_event(form, Scene())
            ours, theirs = sides.made_natively(raw), sides.made_by_upstream(raw)
            assert same_statements(ours, theirs), (raw, ours, theirs)


def test_upstreams_test_settings_are_heeded(settings, sides):
    settings.RUNNING_WITH_TEST_SETTINGS = True
    sides.native = sides.transformer()
    raw = raw_event(FORMS_OF["play_video"][0], Scene())
    assert b"event-routing-backends@1.1.1" in sides.made_natively(raw)[0].text
    assert same_statements(sides.made_natively(raw), sides.made_by_upstream(raw))


@pytest.mark.parametrize(("kind", "name"), EVERY_EVENT)
def test_of_several_reasons_to_reject_an_event_upstreams_first_is_given(sides, name):
    """Above all where its time cannot be read, which is looked at last here, and early by upstream."""
    for form in FORMS_OF[name]:
        for path, value in (
            (("context", "course_id"), "course-v1:No+Such+Course"),
            (("context", "course_id"), "edX/Old/Style"),
            (("context", "user_id"), 999_999),
        ):
            for time in ("yesterday", "2026-02-30T08:15:27.913562+00:00", "", None, 5):
                raw = copy.deepcopy(raw_event(form, Scene()))
                put(raw, path, value)
                for key in {"time", "timestamp"} & raw.keys():
                    raw[key] = time
                if sides.parsed(raw) is None:
                    continue
                ours, theirs = sides.made_natively(raw), sides.made_by_upstream(raw)
                assert same_statements(ours, theirs), (path, value, time, ours, theirs)
