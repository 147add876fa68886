"""The file source joins the parts of long lines that container runtimes split, and no other lines."""

from __future__ import annotations

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.vector.shipped import VECTOR, composed

MULTILINE = composed(VECTOR / "sources" / "file.yaml")["sources"]["statements_from_file"]["multiline"]
STARTS = re.compile(MULTILINE["start_pattern"])
ENDS = re.compile(MULTILINE["condition_pattern"])


def entry(log):
    return json.dumps({"log": log, "stream": "stdout", "time": "2026-11-21T09:12:13Z"}, separators=(",", ":"))


@settings(deadline=None)
@given(text=st.text())
def test_json_file_entries_are_parts_or_ends(text):
    text = text.rstrip("\n")

    assert STARTS.search(entry(text))
    assert not ENDS.search(entry(text))
    assert ENDS.search(entry(text + "\n"))
    assert not STARTS.search(entry(text + "\n"))


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_characters="\n")))
def test_cri_lines_are_parts_or_ends(text):
    part, end = (f"2026-11-21T09:12:13.123456789+02:00 stderr {tag} {text}" for tag in "PF")

    assert STARTS.search(part)
    assert not ENDS.search(part)
    assert ENDS.search(end)
    assert not STARTS.search(end)


def test_other_lines_are_not_joined():
    for line in [
        '{"id":"a","log":"b"}',
        '{"timestamp": "x"}',
        "2026-11-21 09:12:13,123 INFO 1 [xapi_tracking] P x",
        "",
    ]:
        assert not STARTS.search(line)
