"""The differences between our verdict on xAPI statements and that of two LRSs, each with its reason.

Ralph's model is the one that its own converters use. Its API accepts every statement with a valid actor, if the verb
and the object have an id.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Difference(NamedTuple):
    """One difference.

    Attributes:
        lrs: ``Learning Locker`` or ``Ralph``.
        accepts: True if the LRS accepts a statement that breaks this rule of ours; False if it refuses a valid one.
        pattern: a regular expression for our rule and the value, or for the error of the LRS.
        reason: why; ``docs/explain.md`` lists it.
    """

    lrs: str
    accepts: bool
    pattern: re.Pattern[str]
    reason: str


DIFFERENCES = [
    Difference(lrs, accepts, re.compile(pattern), reason)
    for lrs, accepts, pattern, reason in (
        ("Learning Locker", False, r"(id|homePage|openid|type|moreInfo) TypeWarning",
         "refuses an IRI whose scheme contains a hyphen, a plus or a dot, such as `block-v1:...`"),
        ("Learning Locker", False, r"contextActivities\.\w+ TypeWarning Array",
         "refuses a context activity that is not in a list"),
        ("Learning Locker", True, r"an IRI with a scheme .*[ <>{}|\\^`]", "accepts any characters in an IRI"),
        ("Learning Locker", True, r"is not a UUID .*\{.*\}", "accepts a UUID in braces"),
        ("Learning Locker", True, r'is not a date and time .*"\d{4}-?\d\d-?\d\d("|T)',
         "accepts a date without a time, and a time without colons"),
        ("Learning Locker", True, r"is not a SHA-1", "accepts a SHA-1 of fewer digits"),
        ("Learning Locker", True, r"is not a duration .*\"-", "accepts a negative duration"),
        ("Learning Locker", True, r"is not an ordered score|is not a list of interaction components \[\{\"id",
         "does not compare the ids of interaction components"),
        ("Ralph", False, r"no_empty_value|string_too_short", "refuses empty texts, lists and objects"),
        ("Ralph", False, r"Invalid RFC 5646 Language tag", "refuses a language that is not registered"),
        ("Ralph", False, r"version string_pattern_mismatch", "refuses the version `1.0`"),
        ("Ralph", False, r"value is not a valid email", "refuses an email address of a reserved domain"),
        ("Ralph", True, r"an IRI with a scheme .*http://example.com/a b", "accepts spaces in `moreInfo` and `fileUrl`"),
        ("Ralph", True, r"is not a UUID ", "accepts a UUID of any variant, in braces, and without hyphens"),
        ("Ralph", True, r"is not a date and time ", "accepts a date, a number, and a time without a time zone"),
        ("Ralph", True, r"is not a (duration|number|number of bytes|text)\b",
         "accepts numbers as texts, and texts as numbers"),
        ("Ralph", True, r" null$", "accepts null in an activity of the context"),
        ("Ralph", True, r"is empty, and the group", "accepts a group without members and without an identifier"),
        ("Ralph", True, r"^object: (id is missing|has a property)",
         "accepts an object that is an agent without `objectType`"),
        ("Ralph", True, r"interactionType(: does not allow| is missing)",
         "accepts choices, a scale, a source, a target and steps with any `interactionType`"),
        ("Ralph", True, r"is not an ordered score", "does not compare a score with 0"),
    )
]  # fmt: skip


def reason(lrs: str, *, accepts: bool, texts: list[str]) -> str | None:
    """Return the reason of a difference, or None.

    Args:
        lrs: the LRS.
        accepts: True if it accepts the statement and we do not.
        texts: our rules, all of which need a reason; or its errors, one of which needs one.
    """
    table = [row for row in DIFFERENCES if row.lrs == lrs and row.accepts == accepts]
    found = [next((row.reason for row in table if row.pattern.search(text)), None) for text in texts]
    if accepts:
        return "; ".join(filter(None, found)) if all(found) else None
    return next(filter(None, found), None)
