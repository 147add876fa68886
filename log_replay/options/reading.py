"""Read a command line, or a command that the ledger has stored, into one validated configuration."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from log_replay.errors import ConfigurationError
from log_replay.options.option import CLICKHOUSE, FILES, LRS
from log_replay.options.paths import with_absolute_paths
from log_replay.options.place import PATHS
from log_replay.options.places import destination_place, is_relative, source_place
from log_replay.options.table import OPTIONS, Options
from log_replay.options.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Mapping

LMS_SECONDS_BETWEEN_LRS_BATCHES = 10.0


def read_options(given: Mapping[str, Any], *, short: bool = False) -> Options:
    """Check the values of a command line and complete them from the settings.

    Args:
        given: values by the names of the options, as argparse gives them. Options that are missing have their defaults.
        short: the command was called by its short verb. Statements go to stdout if no destination is given.

    Raises:
        ConfigurationError: a value is wrong; nothing has been read or written.
    """
    raw = {name: row.default if given.get(name) is None else given[name] for name, row in OPTIONS.items()}
    if short and given.get("destination_provider") is None and not any(raw[name] for name in ("to", "lrs_urls")):
        raw["to"] = "stdout" if raw["destination_config"] == "{}" else None
    if raw["base"] is None and any(map(is_relative, raw["sources"])):
        raw["base"] = "."
    raw = with_absolute_paths(raw, OPTIONS)
    _check_places(raw, given)
    values = {name: _read(name, raw[name]) for name in OPTIONS}
    _translate_places(values)
    _check_effects(raw, values["destination_provider"])
    _check_limit(values)
    _check_tracking(values)
    _complete(values, raw)
    if not values["log_format"]:
        terminal = short and values["log_to"] == "stdout" and sys.stdout is not None and sys.stdout.isatty()
        values["log_format"] = "pretty" if terminal else "aspects"
    options = Options(**values, given=raw)
    if options.only_missing and options.missing_from is None:
        is_destination = options.destination.provider == CLICKHOUSE
        return replace(options, missing_from=options.destination.config if is_destination else {})
    return options


def options_from(stored: Mapping[str, Any]) -> Options:
    """Return the configuration of a command that the ledger has stored; see ``ledger.run_configuration``.

    Args:
        stored: values by the names of the options, without those that had their defaults, and ``withheld``: the names
            of the secrets that were left out.

    Raises:
        ConfigurationError: the command was given secrets, or one of its values is wrong by now.
    """
    if stored.get("withheld"):
        raise ConfigurationError(
            f"the ledger keeps no secrets, and this run was given some: {', '.join(stored['withheld'])}",
            hint="give the run's own command again with --run, or read them from the environment: ${NAME}, or @FILE",
        )
    return read_options(stored)


def _read(name: str, raw: Any) -> Any:
    row = OPTIONS[name]
    if row.flag:
        return bool(raw)
    return None if raw is None else row.read(f"--{name}", raw)


def _check_places(raw: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Check that the source is given once, and the destination at most once."""
    if not raw["sources"] and raw["source_provider"] is None:
        raise ConfigurationError("there is no source", hint=_source_hint(raw))
    if raw["sources"] and raw["source_provider"] is not None:
        hint = "leave one of them out; a value that contains spaces needs quotes"
        raise ConfigurationError("the source is given twice, by its name and by --source_provider", hint=hint)
    if given.get("to") == "stdout" and raw["log_to"] not in {None, "stdout"} and not raw["dry_run"]:
        raise ConfigurationError("--to stdout and --log_to name two places for the statements", hint="leave one out")
    if raw["to"] is not None and given.get("destination_provider") is not None:
        raise ConfigurationError("--to and --destination_provider both name the destination", hint="leave one out")


def _source_hint(raw: Mapping[str, Any]) -> str:
    """Return the hint for a command without a source. Options of several values may have taken the sources."""
    for name, row in OPTIONS.items():
        if row.nargs == "+" and any(Path(value).exists() or is_url(value) for value in raw[name]):
            return f"--{name} takes all values that follow it: write the source before it"
    return "name a file, a folder, a URL, or - for standard input; or give --source_provider"


def _translate_places(values: dict[str, Any]) -> None:
    """Replace SOURCES and ``--to`` by providers and configurations."""
    if values["sources"]:
        translated = source_place(values["sources"], values["base"] or "/", values["source_config"])
        values["source_provider"], values["source_config"] = translated
    if values["to"] is not None:
        translated = destination_place(values["to"], values["destination_config"])
        values["destination_provider"], values["destination_config"] = translated


def _check_effects(raw: Mapping[str, Any], provider: str) -> None:
    """Refuse options that would have no effect."""
    kind = provider if provider in {LRS, "LOGGER", CLICKHOUSE} else FILES
    for name, row in OPTIONS.items():
        if raw[name] is None or raw[name] is False:
            continue
        if row.needs and not raw[row.needs]:
            needed = "a SOURCE" if OPTIONS[row.needs].positional else f"--{row.needs}"
            raise ConfigurationError(f"--{name} has no effect without {needed}")
        if row.destination not in {None, kind}:
            raise ConfigurationError(f"--{name} applies only to {row.destination}, and the destination is {provider}")


def _check_limit(values: Mapping[str, Any]) -> None:
    """Refuse to end a run early that stores statements, or that the ledger keeps: it would seem complete."""
    if values["limit"] is None:
        return
    if not values["dry_run"] and values["destination_provider"] != "LOGGER":
        raise ConfigurationError("--limit applies only to runs that store nothing", hint="add --dry_run")
    if values["run"]:
        raise ConfigurationError("--limit and --run cannot be combined", hint="leave one out")


def _check_tracking(values: Mapping[str, Any]) -> None:
    """Refuse to store the events of a table of events again."""
    places = values["source_config"].get("places", []) if values["source_provider"] == PATHS else []
    if values["tracking"] and CLICKHOUSE in {values["source_provider"], *(place.get("provider") for place in places)}:
        raise ConfigurationError(
            "--tracking would store again what a table of tracking events already has", hint="leave it out"
        )


def _complete(values: dict[str, Any], raw: Mapping[str, Any]) -> None:
    """Set the values whose defaults depend on other options and on the settings."""
    since, until = values["since"], values["until"]
    if since and until and since >= until:
        raise ConfigurationError(f"--since {raw['since']} is not before --until {raw['until']}")
    if values["sleep_between_batches_secs"] is None:
        rest_seconds = LMS_SECONDS_BETWEEN_LRS_BATCHES if values["destination_provider"] == LRS else 0.0
        values["sleep_between_batches_secs"] = rest_seconds
    if values["add_external_ids"] is None:
        values["add_external_ids"] = not (_standalone() and "lms" in settings.DATABASES)
    values["add_external_ids"] &= not values["dry_run"]
    if raw["validate"] is None:
        values["validate"] = values["dry_run"]
    if values["invalid"] and not values["validate"]:
        raise ConfigurationError("--invalid has no effect without --validate")
    values["log_to"] = values["log_to"] or ("stdout" if values["to"] == "stdout" else _default_log_to(values))
    if values["log_to"] == "settings" and values["log_format"]:
        raise ConfigurationError("--log_format has no effect on the handlers of the settings", hint="add --log_to")


def _default_log_to(values: Mapping[str, Any]) -> str:
    shown = values["dry_run"] or values["destination_provider"] == "LOGGER"
    if _standalone():
        return "stdout" if shown else "null"
    # Aspects' Vector stores the lines that an LMS logs: with them, its table would get each statement twice.
    if values["destination_provider"] == CLICKHOUSE and not shown:
        return "null"
    # ERB's switch for sites that want no statements in their logs. It does not apply to runs that do nothing but log.
    logging_enabled = getattr(settings, f"{values['transformer_type'].upper()}_EVENT_LOGGING_ENABLED", True)
    return "settings" if logging_enabled or shown else "null"


def _standalone() -> bool:
    return getattr(settings, "LOG_REPLAY_STANDALONE", False)
