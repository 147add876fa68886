"""The parsed command line + settings -> one validated configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from log_replay.errors import ConfigurationError
from log_replay.events.filters import Filters, read_time
from log_replay.options.configuration import Options, Place
from log_replay.options.values import read_allowance, read_config, read_size, read_workers, writable_path
from log_replay.report.rejects import read_rejects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

LMS_SECONDS_BETWEEN_LRS_BATCHES = 10.0
FILES = "files"
#: Settings of a destination that are options of their own, and what kind of destination each is of.
SETTINGS_OF = {
    "create_tables": "CLICKHOUSE", "format": FILES, "layout": FILES, "lrs_concurrency": "LRS", "max_rate": "LRS",
}  # fmt: skip
#: A day: nobody means more, and the system's timers take neither infinity nor what comes near it.
_LONGEST_SECONDS = 86_400.0


def read_options(given: Mapping[str, Any]) -> Options:
    """Check the parsed command line and complete it from the settings.

    Raises:
        ConfigurationError: something in it is wrong; nothing has been read or written.
    """
    destination = _destination(given)
    _check_ranges(given)
    _check_effects(given, destination)
    dry_run = bool(given["dry_run"])
    return Options(
        source=_place("source", given),
        destination=destination,
        transformer_type=given["transformer_type"],
        batch_size=given["batch_size"],
        sleep_between_batches_secs=_rest_seconds(given, destination),
        dry_run=dry_run,
        lrs_urls=tuple(given["lrs_urls"] or ()),
        log_to=_log_to(given, shown=dry_run or destination.provider == "LOGGER"),
        log_format=given["log_format"] or "aspects",
        max_line_bytes=given["max_line_bytes"],
        filters=_filters(given),
        rejects=writable_path("--rejects", given["rejects"]),
        summary=writable_path("--summary", given["summary"]),
        max_rejected=read_allowance("--max_rejected", given["max_rejected"]),
        add_external_ids=_may_add_external_ids(given) and not dry_run,
        transformers=given["transformers"],
        verify_sample=given["verify_sample"],
        workers=read_workers("--workers", given["workers"]),
        run=given["run"],
        plan=given["plan"],
        unit_size_bytes=read_size("--unit_size", given["unit_size"]),
        from_rejects=read_rejects("--from_rejects", given["from_rejects"]),
        rejects_with_content=given["rejects_with_content"],
        grace_secs=given["grace_secs"],
        missing_from=_missing_from(given, destination),
        tracking=bool(given["tracking"]),
        given=given,
    )


def _place(side: str, given: Mapping[str, Any]) -> Place:
    provider = given[f"{side}_provider"]
    return Place(provider.upper(), read_config(f"--{side}_config", given[f"{side}_config"] or "{}"))


def _destination(given: Mapping[str, Any]) -> Place:
    """Return the destination with those of its settings that are options of their own."""
    place = _place("destination", given)
    own = {name: given[name] for name in SETTINGS_OF if given.get(name) is not None and given[name] is not False}
    kind = place.provider if place.provider in {"LRS", "LOGGER", "CLICKHOUSE"} else FILES
    for name, value in own.items():
        if SETTINGS_OF[name] == "LRS" and not 0 < value < float("inf"):
            raise ConfigurationError(f"--{name} {value} is out of range")
        if SETTINGS_OF[name] != kind:
            raise ConfigurationError(f"--{name} means nothing to {place.provider}")
    return Place(place.provider, {**place.config, **own})


def _missing_from(given: Mapping[str, Any], destination: Place) -> Mapping[str, Any] | None:
    if not given["only_missing"]:
        if given["missing_from"]:
            raise ConfigurationError("--missing_from has no effect without --only_missing")
        return None
    if given["missing_from"]:
        return read_config("--missing_from", given["missing_from"])
    return destination.config if destination.provider == "CLICKHOUSE" else {}


def _rest_seconds(given: Mapping[str, Any], destination: Place) -> float:
    if given["sleep_between_batches_secs"] is not None:
        return float(given["sleep_between_batches_secs"])
    return LMS_SECONDS_BETWEEN_LRS_BATCHES if destination.provider == "LRS" else 0.0


def _log_to(given: Mapping[str, Any], *, shown: bool) -> str:
    log_to: str = given["log_to"] or _default_log_to(given["transformer_type"], shown=shown)
    if log_to == "settings" and given["log_format"]:
        raise ConfigurationError(
            "--log_format has no effect where the settings' own handlers write", hint="add --log_to"
        )
    return log_to


def _default_log_to(transformer_type: str, *, shown: bool) -> str:
    if _standalone():
        return "stdout" if shown else "null"
    # ERB's own switch for sites that find the log too loud; where the log is all that is asked for, it is not meant.
    logging_enabled = getattr(settings, f"{transformer_type.upper()}_EVENT_LOGGING_ENABLED", True)
    return "settings" if logging_enabled or shown else "null"


def _may_add_external_ids(given: Mapping[str, Any]) -> bool:
    if given["add_external_ids"]:
        return bool(given["add_external_ids"] == "yes")
    return not (_standalone() and "lms" in settings.DATABASES)


def _standalone() -> bool:
    return getattr(settings, "LOG_REPLAY_STANDALONE", False)


def _filters(given: Mapping[str, Any]) -> Filters:
    since, until = (_time(f"--{name}", given[name]) for name in ("since", "until"))
    if since and until and since >= until:
        raise ConfigurationError(f"--since {given['since']} is not before --until {given['until']}")
    return Filters(
        since=since,
        until=until,
        events=_words(given["event"]),
        courses=_words(given["course"]),
        orgs=_words(given["org"]),
        users=frozenset(_words(given["user"])),
    )


def _words(values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(values or ())


def _time(option: str, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return read_time(value)
    except ValueError:
        raise ConfigurationError(
            f"{option} {value!r} is no date or time", hint="for example 2026-03-01 or 2026-03-01T08:00:00+01:00"
        ) from None


def _check_ranges(given: Mapping[str, Any]) -> None:
    rest_seconds = given["sleep_between_batches_secs"]
    in_range = {
        "batch_size": given["batch_size"] > 0,
        "sleep_between_batches_secs": rest_seconds is None or 0 <= rest_seconds <= _LONGEST_SECONDS,
        "grace_secs": 0 <= given["grace_secs"] <= _LONGEST_SECONDS,
        "verify_sample": 0 <= given["verify_sample"] <= 1,
    }
    for name, right in in_range.items():
        if not right:
            raise ConfigurationError(f"--{name} {given[name]} is out of range")


def _check_effects(given: Mapping[str, Any], destination: Place) -> None:
    if given["rejects_with_content"] and not given["rejects"]:
        raise ConfigurationError("--rejects_with_content has no effect without --rejects")
    if given["tracking"] and destination.provider != "CLICKHOUSE":
        raise ConfigurationError("--tracking needs --destination_provider CLICKHOUSE")
