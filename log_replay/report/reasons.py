"""The reasons in ``--rejects`` and in reports: why a line gave no statement, or a destination refused one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

RUN_AGAIN_WITH_IDS = (
    "Replay without `--dry_run`, which creates external ids, or allow it with `--add_external_ids yes`."
)
CHECK_DATABASE = (
    "Check that the database is that of the site that wrote the logs (outside an LMS: LOG_REPLAY_DATABASE_URL). "
    "If so, nothing can be done."
)
LINE_IS_LOST = "Nothing can be done: the line is not an event. If there are many, look at one with `explain`."
EVENT_IS_LOST = "Look at one event with `explain`. The LMS makes no statement of it either."


@dataclass(frozen=True, slots=True)
class Reason:
    """A group of reasons with the same cause.

    Attributes:
        names: the reasons.
        meaning: what is wrong.
        cause: the usual cause; empty if the meaning says it.
        next_step: what to do.
    """

    names: tuple[str, ...]
    meaning: str
    cause: str = ""
    next_step: str = ""


class ReasonText(NamedTuple):
    """The words for a reason; see ``Reason``."""

    meaning: str
    cause: str
    next_step: str


UNPARSABLE = (
    Reason(
        ("no_json",),
        "The line contains no JSON object, or one that is cut off.",
        "Other programs write into the same file, or the log was rotated in the middle of a line.",
        LINE_IS_LOST,
    ),
    Reason(
        ("not_json", "not_utf8"),
        "The line is damaged: it is neither JSON nor UTF-8.",
        "Two processes wrote at the same time, the disk was full, or the file was copied in a wrong mode.",
        LINE_IS_LOST,
    ),
    Reason(("too_deep",), "The JSON is nested too deeply to be read.", "A crafted request.", LINE_IS_LOST),
    Reason(
        ("no_event",),
        "The JSON object is not an event: it has no `event`.",
        "Another program logs JSON into the same file.",
        LINE_IS_LOST,
    ),
    Reason(("line_too_long",), "The line is longer than 16 MiB.", "A damaged file without line ends.", LINE_IS_LOST),
    Reason(
        ("no_such_line",),
        "`--from_rejects` lists a line that the object does not have.",
        "The object has changed since the rejects were written.",
        "Replay the whole object again.",
    ),
    Reason(
        ("worker_died",),
        "Two workers in a row ended at this block, for example because the memory was full.",
        "Too little memory for the number of workers.",
        "Replay again with fewer `--workers`.",
    ),
)
REJECTED = (
    Reason(
        ("anonymous",),
        "The event names no user.",
        "Somebody without an account used the site, or a process of the LMS made the event.",
        "Nothing needs to be done: a statement needs an actor.",
    ),
    Reason(
        ("unknown_user",),
        "The database does not have the user. Is it the right one?",
        "The logs are of another site, the database is an old copy, or the account was deleted.",
        CHECK_DATABASE,
    ),
    Reason(
        ("unknown_course",),
        "The database does not have the course. Is it the right one?",
        "The course was deleted, or the logs are of another site.",
        CHECK_DATABASE,
    ),
    Reason(
        ("no_external_id",),
        "The user has no external id, and none may be created: `--dry_run`, a read-only database, or "
        "`--add_external_ids no`.",
        "The LMS creates the id of a user with the first statement; before Aspects, nobody had one.",
        RUN_AGAIN_WITH_IDS,
    ),
    Reason(
        ("unreadable_time",),
        "`--since` or `--until` is given, and the time of the event cannot be read.",
        "A program other than the LMS wrote the event.",
        "Replay these events without `--since` and `--until`.",
    ),
    Reason(
        ("non_finite_number",),
        "The statement would contain NaN or an infinite number, which JSON does not have.",
        "A problem with a maximum of 0 points, or a browser that sent NaN.",
        EVENT_IS_LOST,
    ),
    Reason(
        ("lone_surrogate",),
        "A text in the event contains half of a UTF-16 surrogate pair, which UTF-8 cannot encode.",
        "A browser cut a text in the middle of an emoji.",
        EVENT_IS_LOST,
    ),
    Reason(
        ("no_object_id",),
        "The object of the statement would have no id. The LMS drops such statements as well.",
        "The event lacks the id of its video, problem or page.",
        EVENT_IS_LOST,
    ),
    Reason(
        ("no_statement",),
        "event-routing-backends made nothing of the event and raised no exception.",
        "A transformer of a plugin decided so.",
        EVENT_IS_LOST,
    ),
    Reason(
        ("invalid_statement",),
        "`--invalid reject` is given, and a statement of the event breaks a rule of xAPI 1.0.3 or Caliper 1.2.",
        "event-routing-backends copies a wrong value of the event into the statement.",
        "Look at one event with `explain`, which names the rule. `--invalid keep` keeps such statements.",
    ),
)
REFUSED = (
    Reason(("conflict",), "The LRS has another statement with the same id."),
    Reason(("invalid",), "The LRS says that the statement is not valid (400 or 422)."),
    Reason(("too_large",), "The LRS does not accept a request of this size, even with one statement (413)."),
    Reason(("refused",), "The LRS refuses the statement with another status."),
    Reason(
        ("unconfirmed",), "The LRS accepted the request, but did not name the statement, and does not return it either."
    ),
    Reason(("destination_unavailable",), "The LRS was not available until the end of the run."),
    Reason(
        ("its id is not a UUID", "its timestamp cannot be read", "its timestamp is out of range"),
        "The statement does not fit the columns of ClickHouse or of a row in a file.",
    ),
)
#: What event-routing-backends' exceptions mean, by their type.
EXCEPTIONS = (
    Reason(
        ("AttributeError",),
        "A part of the event is missing or has another type: `course_id`, the problem, or its `module_id`.",
        "The browser sent an incomplete event, or an old release of Open edX wrote it.",
        EVENT_IS_LOST,
    ),
    Reason(
        ("IndexError",),
        "An id has a form that event-routing-backends cannot take apart.",
        "A video of a course with an old id (Org/Course/Run), or a page that is not in a course.",
        EVENT_IS_LOST,
    ),
    Reason(
        ("InvalidKeyError",),
        "The id of the course or of the block is missing, or is not an id.",
        "The event was made outside of a course, for example on the dashboard.",
        EVENT_IS_LOST,
    ),
    Reason(
        ("KeyError",),
        "A field that the statement needs is missing.",
        "The browser sent an incomplete event, or an old release of Open edX wrote it.",
        EVENT_IS_LOST,
    ),
    Reason(("OverflowError",), "A number or a time is out of range.", "A browser with a wrong clock.", EVENT_IS_LOST),
    Reason(
        ("TypeError",),
        "A field has another type than expected: often it is empty (`null`).",
        "The browser sent an incomplete event, or an old release of Open edX wrote it.",
        EVENT_IS_LOST,
    ),
    Reason(
        ("ValueError",),
        "A value that the statement needs is missing or cannot be read.",
        "A program other than the LMS wrote the event, or a browser sent a wrong value.",
        EVENT_IS_LOST,
    ),
)
_BY_NAME = {name: reason for reason in (*UNPARSABLE, *REJECTED, *REFUSED, *EXCEPTIONS) for name in reason.names}


def reason_text(reason: str) -> ReasonText:
    """Return the words for a reason for a reject. Any other reason is the type of an exception, perhaps of a plugin."""
    found = _BY_NAME.get(reason)
    if found:
        return ReasonText(found.meaning, found.cause, found.next_step)
    return ReasonText(
        "The transformer of the event raised an exception.",
        "A transformer or a filter of a plugin, or an unusual event.",
        EVENT_IS_LOST,
    )
