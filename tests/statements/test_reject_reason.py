"""Reject reasons of events: names of our own, or the type of a foreign exception, never its text."""

from __future__ import annotations

import pytest

from log_replay.identities import UnknownIdentity
from log_replay.statements import reject_detail, reject_reason
from log_replay.statements.native.fields import UpstreamRejects
from log_replay.statements.serialise import NonFiniteNumber
from log_replay.statements.upstream import NoStatement


class ForeignError(Exception):
    """An exception of a plugin, whose attribute ``reason`` is a text about a learner."""

    reason = "ada@example.com is unknown"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UnknownIdentity("unknown_user"), "unknown_user"),
        (NoStatement("no_object_id"), "no_object_id"),
        (NonFiniteNumber(), "non_finite_number"),
        (AttributeError("ada"), "AttributeError"),
        (ForeignError("ada"), "ForeignError"),
    ],
)
def test_only_our_own_errors_name_a_reason(error, reason):
    assert reject_reason(error) == reason


def test_a_lone_surrogate_has_a_reason_of_our_own():
    with pytest.raises(UnicodeEncodeError) as caught:
        "\ud800".encode()
    assert reject_reason(caught.value) == "lone_surrogate"


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (UpstreamRejects("ValueError", "event.id is missing"), "event.id is missing"),
        (KeyError("weighted_earned"), "the field weighted_earned is missing"),
        (KeyError("ada@example.com"), None),
        (TypeError("'NoneType' object is not subscriptable"), "a part of the event is missing or null"),
        (AttributeError("ada has no attribute"), None),
        (ForeignError("ada"), None),
    ],
)
def test_details_are_words_of_the_code_and_never_of_a_log(error, detail):
    assert reject_detail(error) == detail
