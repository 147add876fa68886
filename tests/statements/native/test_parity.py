"""Native statements are equal to upstream's, for all event names and contents."""

import os
import sys
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
from tests.support.transformers import event_of
from tests.support.variations import events, scenes

SAMPLE = Path(log_replay.standalone.__file__).parent / "sample" / "tracking.log"

#: ``make certify`` and ``make endurance`` set larger numbers.
EXAMPLES = int(os.environ.get("LOG_REPLAY_PARITY_EXAMPLES", "10"))
#: The number of examples of each event whose share of fallbacks is measured.
SHARE_EXAMPLES = 40

EVERY_EVENT = [(type_, name) for type_, transforms in TRANSFORMS.items() for name in sorted(transforms)]

varied = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize(("transformer_type", "name"), EVERY_EVENT)
def test_statements_and_reject_reasons_are_upstreams(transformers, name):
    @varied
    @given(raw=events(name))
    def check(raw):
        if event_of(raw) is None:
            return
        ours, theirs = transformers.natively(raw), transformers.by_upstream(raw)
        assert same_statements(ours, theirs), (raw, ours, theirs)

    check()


@pytest.mark.parametrize(("transformer_type", "name"), EVERY_EVENT)
def test_events_of_the_lms_are_transformed_natively(transformers, name):
    @settings(
        max_examples=max(5, EXAMPLES // 5),
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(form=st.sampled_from(FORMS_OF[name]), scene=scenes().filter(lambda scene: scene.course_id != TEA))
    def check(form, scene):
        transformers.native.transform_paths.clear()
        raw = raw_event(form, scene)
        ours, theirs = transformers.natively(raw), transformers.by_upstream(raw)
        assert same_statements(ours, theirs), (raw, ours, theirs)
        if not isinstance(theirs, Exception):
            assert dict(transformers.native.transform_paths) == {"native": 1}

    check()


@pytest.mark.skipif(EXAMPLES < SHARE_EXAMPLES, reason="`make endurance` has enough examples to measure a share")
def test_less_than_one_percent_of_events_fall_back(transformer_type, transformers, capsys):
    """The events of ``variations`` are far more often invalid than those of real logs."""
    for name in sorted(TRANSFORMS[transformer_type]):

        @settings(varied, max_examples=SHARE_EXAMPLES, derandomize=True)
        @given(raw=events(name))
        def transform(raw):
            if event_of(raw) is not None:
                transformers.natively(raw)

        transform()
    paths = transformers.native.transform_paths
    share = paths["unsupported_shape"] / sum(paths.values())
    with capsys.disabled():
        sys.stdout.write(f"{transformer_type}: {share:.2%} of the events need upstream's code\n")
    assert share < 0.01


def test_statements_of_the_sample_log_are_upstreams(transformers):
    results = [both for line in SAMPLE.read_bytes().splitlines() if (both := transformers.both_of_line(line))]
    assert len(results) > 100
    for ours, theirs in results:
        assert same_statements(ours, theirs), (ours, theirs)
    paths = transformers.native.transform_paths
    assert paths["native"] > 20 * paths["unsupported_shape"]
