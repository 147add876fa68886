"""Native statements are equal to upstream's for extreme values: NaN, lone surrogates, numbers over 64 bits ..."""

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
from tests.support.transformers import event_of
from tests.support.variations import HOLDERS, SEARCHED_FIELDS, paths, put

EXAMPLES = int(os.environ.get("LOG_REPLAY_PARITY_EXAMPLES", "8"))
EVERY_EVENT = [(type_, name) for type_, transforms in TRANSFORMS.items() for name in sorted(transforms)]

EXTREMES = st.sampled_from(
    [
        *(float("nan"), float("inf"), -float("inf"), 1e308, 5e-324, -0.0, 2**63, 2**64, -(2**70), 10**400),
        *("\ud800", "a\udfffb", "\x00", "\u2028", "nan", "inf", "-0", "1e999", "٣", "1_000", " 5 ", "null"),
        *(None, "", [], {}, 0, False, True, [None], ["a"], [float("nan")], {"": None}, {"a": {"b": {}}}),
        *([[[[[]]]]], {"user_id": 3, "session": "nested", "grade": None}),
    ]
)


@pytest.mark.parametrize(("transformer_type", "name"), EVERY_EVENT)
def test_extreme_values_in_any_field_give_upstreams_result(transformers, name):
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def check(data):
        raw = copy.deepcopy(raw_event(data.draw(st.sampled_from(FORMS_OF[name])), Scene()))
        for _ in range(data.draw(st.integers(1, 2))):
            existing = [path for path in paths(raw) if path != ("name",)]
            other = [(*holder, key) for holder in HOLDERS for key in SEARCHED_FIELDS if (*holder, key) != ("name",)]
            path = data.draw(st.one_of(st.sampled_from(existing), st.sampled_from(other)))
            put(raw, path, copy.deepcopy(data.draw(EXTREMES)))
        if event_of(raw) is None:
            return
        ours, theirs = transformers.natively(raw), transformers.by_upstream(raw)
        assert same_statements(ours, theirs), (raw, ours, theirs)

    check()


def with_parsed_data(form):
    """Return a raw event whose data is an object instead of a text, if possible."""
    raw = copy.deepcopy(raw_event(form, Scene()))
    with suppress(TypeError, ValueError):
        raw["event"] = json.loads(raw["event"])
    return raw


@pytest.mark.parametrize(("transformer_type", "name"), EVERY_EVENT)
def test_caches_do_not_confuse_equal_values(transformers, name):
    """0.0 and -0.0, or 1 and True, are the same key of a dict, but not the same JSON."""
    for form in FORMS_OF[name]:
        for path in paths(with_parsed_data(form)):
            for value in (0.0, -0.0, 1, True, 1.0):
                raw = with_parsed_data(form)
                put(raw, path, value)
                if path == ("name",) or event_of(raw) is None:
                    continue
                ours, theirs = transformers.natively(raw), transformers.by_upstream(raw)
                assert same_statements(ours, theirs), (path, value, ours, theirs)


@pytest.mark.parametrize("identifier", ["mbox", "mbox_sha1sum", "external_id", "anything else"])
@pytest.mark.parametrize("user_id", [3, "ada", 999, 11, None])
@pytest.mark.parametrize("transformer_type", ["xapi"])
def test_actors_with_any_identifier_are_upstreams(settings, transformers, identifier, user_id):
    settings.XAPI_AGENT_IFI_TYPE = identifier
    transformers.native = transformers.new_native()
    raw = raw_event(FORMS_OF["showanswer"][0], Scene(user_id=user_id, username=""))
    assert same_statements(transformers.natively(raw), transformers.by_upstream(raw))
    assert dict(transformers.native.transform_paths) == {"native": 1}


@pytest.mark.parametrize("root_url", ["https://lms.example.com", "https://ü.example/", 'http://"quoted"', ""])
def test_any_root_url_gives_upstreams_statements(settings, transformers, root_url):
    settings.LMS_ROOT_URL = root_url
    transformers.native = transformers.new_native(sensor_id="http://localhost:18000")
    for name in ("play_video", "problem_check", "edx.course.enrollment.activated"):
        for form in FORMS_OF[name]:
            raw = raw_event(form, Scene())
            ours, theirs = transformers.natively(raw), transformers.by_upstream(raw)
            assert same_statements(ours, theirs), (raw, ours, theirs)


def test_upstreams_test_setting_fixes_the_version(settings, transformers):
    settings.RUNNING_WITH_TEST_SETTINGS = True
    transformers.native = transformers.new_native()
    raw = raw_event(FORMS_OF["play_video"][0], Scene())
    assert b"event-routing-backends@1.1.1" in transformers.natively(raw)[0].text
    assert same_statements(transformers.natively(raw), transformers.by_upstream(raw))


@pytest.mark.parametrize(("transformer_type", "name"), EVERY_EVENT)
def test_the_first_of_several_errors_is_the_reject_reason(transformers, name):
    """In particular with an invalid time, which upstream reads early and the native code reads last."""
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
                if event_of(raw) is None:
                    continue
                ours, theirs = transformers.natively(raw), transformers.by_upstream(raw)
                assert same_statements(ours, theirs), (path, value, time, ours, theirs)
