"""Remarks on events that upstream's code transformed: the reason in words, and what to do."""

from collections import Counter

import pytest

from log_replay.report import Report, fallbacks
from log_replay.report.fallbacks import REASONS, fallback_remarks
from log_replay.statements.native.certification import certified_releases


def remarks(**paths):
    return "\n".join(fallback_remarks(Report(transform_paths=Counter(paths))))


def test_native_events_need_no_remark():
    assert not remarks(native=1000)


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_is_said_in_words(reason):
    assert remarks(**{"native": 10_000, reason: 3}) == (
        f"3 events used event-routing-backends' own, slower code ({reason}): {REASONS[reason]}"
    )


@pytest.mark.parametrize(
    ("installed", "command"), [("9.3.99", "9.3.8"), ("9.3.8", "9.3.8 --force-reinstall"), ("11.0.0", "10.1.0")]
)
def test_another_release_is_named_with_a_certified_one(monkeypatch, installed, command):
    monkeypatch.setattr(fallbacks, "version", lambda name: installed)
    said = remarks(fingerprint=500, native=500)
    assert f"release {installed} is" in said
    assert f"try: pip install edx-event-routing-backends=={command}" in said
    assert said.endswith("These are 50% of the known events, so the run took about 8.5 times as long.")


def test_certified_releases_are_sorted_by_number():
    releases = certified_releases()
    assert releases.index("9.3.8") < releases.index("10.1.0")
