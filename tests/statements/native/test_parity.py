"""Native equals upstream, for every event name and whatever its events hold."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import log_replay.standalone
from log_replay.statements.native.transforms import TRANSFORMS
from log_replay.statements.native.verification import same_statements
from tests.support.event_forms import raw_event
from tests.support.known_events import FORMS_OF
from tests.support.sample_identities import TEA
from tests.support.variations import events, scenes

SAMPLE = Path(log_replay.standalone.__file__).parent / "sample" / "tracking.log"

#: ``make certify`` asks for more.
EXAMPLES = int(os.environ.get("LOG_REPLAY_PARITY_EXAMPLES", "50"))

EVERY_EVENT = [(kind, name) for kind, makes in TRANSFORMS.items() for name in sorted(makes)]

varied = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize(("kind", "name"), EVERY_EVENT)
def test_native_equals_upstream_also_in_what_it_rejects_and_why(sides, name):
    @varied
    @given(raw=events(name))
    def check(raw):
        if sides.parsed(raw) is None:
            return
        ours, theirs = sides.made_natively(raw), sides.made_by_upstream(raw)
        assert same_statements(ours, theirs), (raw, ours, theirs)

    check()


@pytest.mark.parametrize(("kind", "name"), EVERY_EVENT)
def test_events_as_the_lms_writes_them_need_no_upstream(sides, name):
    @settings(
        max_examples=10, database=None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(form=st.sampled_from(FORMS_OF[name]), scene=scenes().filter(lambda scene: scene.course_id != TEA))
    def check(form, scene):
        sides.native.transform_paths.clear()
        raw = raw_event(form, scene)
        ours, theirs = sides.made_natively(raw), sides.made_by_upstream(raw)
        assert same_statements(ours, theirs), (raw, ours, theirs)
        if not isinstance(theirs, Exception):
            assert dict(sides.native.transform_paths) == {"native": 1}

    check()


def test_native_equals_upstream_on_the_sample_log(kind, sides):
    made = [both for line in SAMPLE.read_bytes().splitlines() if (both := sides.made_of_line(line))]
    assert len(made) > 100
    for ours, theirs in made:
        assert same_statements(ours, theirs), (ours, theirs)
    assert sides.native.transform_paths["native"] > 20 * sides.native.transform_paths["unsupported_shape"]
