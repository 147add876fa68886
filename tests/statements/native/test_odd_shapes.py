"""Events of odd shapes have upstream's statements or reject reasons, without upstream's code."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_replay.statements.native.transforms import TRANSFORMS
from log_replay.statements.native.verification import same_statements
from tests.statements.native.test_parity import EVERY_EVENT, EXAMPLES
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS, FORMS_OF
from tests.support.odd_shapes import SHAPES
from tests.support.transformers import event_of

EVERY_SHAPE = [
    pytest.param(type_, shape, form, id=f"{type_}-{shape.name}-{form}")
    for type_, transforms in TRANSFORMS.items()
    for shape in SHAPES
    for form in shape.forms
    if FORMS[form].name in transforms
]


@pytest.mark.parametrize(("transformer_type", "shape", "form"), EVERY_SHAPE)
def test_odd_shapes_are_transformed_or_rejected_natively(transformers, shape, form):
    raw = shape.raw(form)
    assert same_statements(transformers.natively(raw), transformers.by_upstream(raw))
    assert dict(transformers.native.transform_paths) == {"native": 1}


@pytest.mark.parametrize(("transformer_type", "name"), EVERY_EVENT)
def test_each_event_may_have_several_odd_shapes(transformers, name):
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        form=st.sampled_from(FORMS_OF[name]),
        shapes=st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3),
        user_id=st.sampled_from([3, 3, 3, 999, 10, None]),
    )
    def check(form, shapes, user_id):
        first, *others = shapes
        raw = first.raw(form.key, Scene(user_id=user_id, username="ada" if user_id else ""))
        for shape in others:
            shape.change(raw)
        if event_of(raw) is None:
            return
        ours, theirs = transformers.natively(raw), transformers.by_upstream(raw)
        assert same_statements(ours, theirs), (raw, ours, theirs)

    check()
