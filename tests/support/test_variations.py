"""The strategies for varied events."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings

from tests.support import variation_values
from tests.support.known_events import FORMS_OF
from tests.support.paths import ROOT
from tests.support.variations import events


@pytest.mark.parametrize("name", sorted(FORMS_OF))
def test_each_variation_is_a_line_with_the_events_name(name):
    @settings(max_examples=15, database=None)
    @given(event=events(name))
    def check(event):
        line = json.dumps(event, allow_nan=False)
        assert json.loads(line)["name"] == name
        assert b"\n" not in line.encode()

    check()


def test_a_variation_does_not_change_later_ones():
    before = repr(variation_values.THINGS)

    @settings(max_examples=100, database=None)
    @given(event=events("problem_check"))
    def use(event):
        event["zz"] = 1

    use()
    assert repr(variation_values.THINGS) == before


def test_the_event_names_are_upstreams():
    script = (
        "import json; from tests.support import upstream_reference; upstream_reference.set_up_django();"
        "from tests.support import variations; print(json.dumps(variations.event_names()))"
    )
    out = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True).stdout
    assert json.loads(out.splitlines()[-1]) == sorted(FORMS_OF)
