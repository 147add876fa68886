"""The reasons in ``--rejects`` and in the summary: why a line gave no statement, or a destination refused one."""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    """A group of reasons with the same cause, for the reference page."""

    names: tuple[str, ...]
    meaning: str


UNPARSABLE = (
    Reason(("no_json",), "The line contains no JSON object, or one that is cut off."),
    Reason(("not_json", "not_utf8"), "The line is damaged: it is neither JSON nor UTF-8."),
    Reason(("too_deep",), "The JSON is nested too deeply to be read."),
    Reason(("no_event",), "The JSON object is not an event: it has no `event`."),
    Reason(("line_too_long",), "The line is longer than 16 MiB."),
    Reason(("no_such_line",), "`--from_rejects` lists a line that the object does not have."),
    Reason(("worker_died",), "Two workers in a row ended at this block, for example because the memory was full."),
)
REJECTED = (
    Reason(("anonymous",), "The event names no user."),
    Reason(
        ("unknown_user", "unknown_course"), "The database does not have the user or the course. Is it the right one?"
    ),
    Reason(
        ("no_external_id",),
        "The user has no external id, and none may be created: `--dry_run`, a read-only database, or "
        "`--add_external_ids no`.",
    ),
    Reason(("unreadable_time",), "`--since` or `--until` is given, and the time of the event cannot be read."),
    Reason(("non_finite_number",), "The statement would contain NaN or an infinite number, which JSON does not have."),
    Reason(
        ("lone_surrogate",), "A text in the event contains half of a UTF-16 surrogate pair, which UTF-8 cannot encode."
    ),
    Reason(("no_object_id",), "The object of the statement would have no id. The LMS drops such statements as well."),
    Reason(("no_statement",), "event-routing-backends made nothing of the event and raised no exception."),
    Reason(
        ("invalid_statement",),
        "`--invalid reject` is given, and a statement of the event breaks a rule of xAPI 1.0.3 or Caliper 1.2.",
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
