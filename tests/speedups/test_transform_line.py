"""``transform_line``: C code makes the same statements and rejects as Python, or leaves the line to Python."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.identities.cache import IdentityCache
from log_replay.identities.ranges import RANGE_BITS, USERS_BEFORE_READ, ExternalIdRanges
from log_replay.statements.native.recipes import transform_line
from log_replay.statements.upstream import identities_answer
from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS
from tests.support.sample_lookup import SampleLookup
from tests.support.transformers import Transformers, reject_of, result_of

pytestmark = pytest.mark.skipif(
    _speedups.transform_line is None, reason="C extension not built: install a C compiler, then `make test`"
)

mutated = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

#: What edits put into lines: parts of JSON, of keys that recipes read, and bytes that no JSON has.
PIECES = st.sampled_from(
    [
        *(
            b'"',
            b"\\",
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b" ",
            b"\r",
            b"\t",
            b"\x00",
            b"\xff",
            b"\xc3\xa9",
            b"\\u00e9",
        ),
        *(b"\\ud83d\\ude00", b"\\ud83d", b"\\/", b"\\n", b"0", b"-", b".", b"1e3", b"0.0005", b"12.34567", b"1e999"),
        *(b"null", b"true", b"[]", b"{}", b'""', b'"None"', b'"a":1,', b'"id": "x", ', b'"user_id": "", '),
        *(
            b'"session": null, ',
            b'"timestamp": "2026", ',
            b'"referer": "", ',
            b'"submission": {}, ',
            b'"thread_type": "", ',
            b'"discussion": {"id": 0}, ',
            b'"title": null, ',
            b"/",
            b"&",
            b"_",
            b"%5B",
        ),
    ]
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), PIECES), min_size=1, max_size=3)

#: Events with recipes that are left to Python: without a submission (before 2014), or without a response type.
IN_PYTHON: dict[str, set[str]] = {"xapi": set(), "caliper": set()}


@pytest.fixture(params=["xapi", "caliper"])
def transformers(request):
    opened = Transformers(request.param)
    logging.getLogger("event_routing_backends").setLevel(logging.CRITICAL)
    with identities_answer(opened.identities):
        yield opened
    logging.getLogger("event_routing_backends").setLevel(logging.NOTSET)


def line_of(form, *, in_ascii=True):
    return json.dumps(raw_event(FORMS[form], Scene()), ensure_ascii=in_ascii).encode()


def known_forms(transformers):
    return [form for form in FORMS if FORMS[form].name in transformers.native.names and not FORMS[form].async_context]


def in_python(transformers, line):
    """Return what the twin makes of a line: statements, or the reason and the detail of the reject."""
    recipes = transformers.native.line_recipes(transformers.identities)
    result = result_of(lambda: transform_line(recipes, "log", line, 0, len(line), 0, None))
    return reject_of(result) if isinstance(result, Exception) else result.statements


def test_edited_lines_give_the_same_in_c_and_python(transformers):
    forms = known_forms(transformers)

    @mutated
    @given(st.sampled_from(forms), st.booleans(), EDITS)
    def check(form, in_ascii, edits):
        line = line_of(form, in_ascii=in_ascii)
        for where, removed, piece in edits:
            at = int(where * len(line))
            line = line[:at] + piece + line[at + removed :]
        expected = in_python(transformers, line)
        assert transformers.in_c(line) in (None, expected), line

    check()


def test_the_events_of_recipes_are_made_in_c(transformers):
    recipes = transformers.native.line_recipes(transformers.identities)
    in_python_only = set()
    for form in known_forms(transformers):
        if FORMS[form].name in recipes.by_name:
            expected = in_python(transformers, line_of(form))  # looks up the identities
            made = transformers.in_c(line_of(form))
            assert made in (None, expected)
            in_python_only |= set() if made else {form}
    assert in_python_only == IN_PYTHON[transformers.type]
    assert {"play_video", "problem_check", "edx.ui.lms.sequence.next_selected"} <= recipes.by_name.keys()


@pytest.mark.parametrize("end", [b"", b"\r", b"  "])
def test_lines_may_have_a_prefix_and_white_space_at_the_end(transformers, end):
    line = b"Mar  2 08:15:27 lms [tracking] INFO - " + line_of("play_video") + end
    expected = in_python(transformers, line)
    assert transformers.in_c(line) == expected


def test_identities_that_are_not_cached_are_returned(transformers):
    recipes, line = transformers.native.line_recipes(transformers.identities), line_of("play_video")
    found = _speedups.transform_line(tuple, tuple, tuple, tuple, recipes, "log", line, 0, len(line), 0, None)
    assert found == (Scene().user_id, Scene().course_id)


USERS = [3, "3", "0003", 4, 1 << RANGE_BITS, -3, 10**17, 10**18 - 1, "٣", "3 ", "+3", "ada", "stranger", "9" * 40]


@pytest.mark.parametrize("user", USERS)
def test_external_ids_in_ranges_are_found_as_in_python(transformers, user):
    ranges = ExternalIdRanges(lambda _: [(3, "0A1B2C3D4E5F46789abcdef012345678")])
    ranges.count([1] * USERS_BEFORE_READ)
    transformers.identities = IdentityCache(SampleLookup(transformers.type), ranges)
    transformers.identities.course_name(Scene().course_id)
    line = json.dumps(raw_event(FORMS["play_video"], Scene(user_id=user, username=user))).encode()
    found = transformers.in_c(line)
    if user in (3, "3", "0003"):
        assert b"0a1b2c3d-4e5f-4678-9abc-def012345678" in found[0].text
    assert found in (None, in_python(transformers, line))
    assert transformers.in_c(line) in (None, in_python(transformers, line))


def test_only_events_of_the_whitelists_have_recipes(transformers):
    recipes = transformers.native.line_recipes(transformers.identities)
    assert recipes.by_name.keys() <= transformers.native.names
    assert transformers.type == "caliper" or "edx.problem.completed" not in recipes.by_name


def test_wrong_arguments_are_an_error(transformers):
    recipes, line = transformers.native.line_recipes(transformers.identities), line_of("play_video")
    for wrong in ((("not recipes",), 0, len(line)), (recipes, 0, len(line) + 1), (recipes, -1, 5), (recipes, 5, 4)):
        with pytest.raises((TypeError, ValueError)):
            _speedups.transform_line(tuple, tuple, tuple, tuple, wrong[0], "log", line, *wrong[1:], 0, None)
