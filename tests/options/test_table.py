"""The table of options: what its columns promise holds for each row."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields

import pytest

from log_replay.errors import ConfigurationError
from log_replay.ledger.run_configuration import identity, stored_command
from log_replay.options import OPTIONS, Options, options_from, read_options
from log_replay.options.arguments import add_arguments
from log_replay.options.option import CLICKHOUSE, FILES, GROUPS, LRS, SOURCE

PROVIDERS = {LRS: "LRS", CLICKHOUSE: "CLICKHOUSE", FILES: "LOCAL", None: "LOGGER"}
REQUIRED = {"source_provider": "LOCAL", "transformer_type": "xapi", "source_config": '{"container": "logs"}'}
#: A value for each option that differs from its default, and from REQUIRED.
VALUES = {
    "sources": ["a.log"], "base": "/logs", "to": "out", "limit": 5, "examples": 2,
    "source_provider": "S3", "source_config": '{"container": "other"}', "destination_provider": "LRS",
    "destination_config": '{"container": "out"}', "lrs_urls": ["http://lrs/xAPI"], "format": "rows",
    "layout": "aspects", "create_tables": True, "tracking": True, "dry_run": True, "transformer_type": "caliper",
    "since": "2026-03-01", "until": "2026-03-02", "event": ["play_video"], "course": ["c"], "org": ["o"],
    "user": ["1"], "only_missing": True, "missing_from": '{"path": "x"}', "from_rejects": "rejects.jsonl",
    "add_external_ids": "no", "log_to": "stdout", "log_format": "raw", "max_line_bytes": "docker",
    "rejects": "rejects.out", "rejects_with_content": True, "skip_unreadable": True, "max_rejected": "1%",
    "summary": "summary.json", "log_timeout_secs": 5.0, "verify_sample": 0.5, "run": "march", "join": True,
    "kubernetes": True, "parallelism": 3, "image": "log-replay:1", "termination_log": "/dev/termination-log",
    "lease_secs": 5.0, "grace_secs": 1.0,
    "batch_size": 7, "sleep_between_batches_secs": 3.0,
    "lrs_concurrency": 2, "max_rate": 100.0, "workers": "2", "unit_size": "1MB", "read_ahead": 3, "plan": True,
    "transformers": "upstream", "validate": True, "invalid": "reject", "json": "report.json",
    "html": "report.html", "with_content": True, "sample": "5%",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rejects.jsonl").write_text('{"object": "tracking.log", "offset": 0}\n')


def needed_by(name: str | None) -> list[str]:
    """Return the options without which an option has no effect."""
    needs = OPTIONS[name].needs if name else None
    return [*needed_by(needs), needs] if needs else []


def given(name: str | None = None) -> tuple[dict, dict]:
    """Return a command line without an option and one with it, with everything else that the option needs."""
    row = OPTIONS[name] if name else None
    needed = {each: VALUES[each] for each in needed_by(name)}
    without = {**REQUIRED, "destination_provider": PROVIDERS[row.destination if row else None], **needed}
    if name in {"sources", "base"}:  # instead of a provider
        with_it = {key: value for key, value in without.items() if not key.startswith("source_")} | {name: VALUES[name]}
        return (without if name == "sources" else {**with_it, "base": None}), with_it
    if name == "to":
        return without, {key: value for key, value in without.items() if key != "destination_provider"} | {"to": "out"}
    if name == "log_format":
        without["log_to"] = "stdout"
    if name == "invalid":
        without["validate"] = True
    return without, {**without, name: VALUES[name]} if name else without


def test_each_option_is_a_field_of_the_configuration():
    assert sorted(field.name for field in fields(Options)) == sorted([*OPTIONS, "given"])


def test_each_option_has_a_group_and_a_help_text():
    assert sorted(VALUES) == sorted(OPTIONS)
    assert list(dict.fromkeys(row.group for row in OPTIONS.values())) == list(GROUPS)
    assert [name for name, row in OPTIONS.items() if not row.help.endswith((".", "}."))] == []


@pytest.mark.parametrize("name", OPTIONS)
def test_output_key_changes_with_the_options_that_say_so(name):
    without, with_it = map(read_options, given(name))
    changes = bool(OPTIONS[name].output_key) or OPTIONS[name].group == SOURCE
    assert (without.key != with_it.key) == changes


@pytest.mark.parametrize("name", OPTIONS)
def test_identity_changes_with_the_options_that_say_so(name):
    without, with_it = (identity(read_options(line)) for line in given(name))
    changes = OPTIONS[name].identity or name in {"destination_provider", "to"} or OPTIONS[name].group == SOURCE
    assert (without != with_it) == (changes or name == "destination_config")


@pytest.mark.parametrize("name", OPTIONS)
def test_stored_command_gives_the_same_configuration(name):
    options = read_options(given(name)[1])
    again = options_from(json.loads(json.dumps(stored_command(options.given))))
    changed = [each for each in OPTIONS if getattr(again, each) != getattr(options, each)]
    assert changed == [each for each in OPTIONS if each in [*needed_by(name), name] and not OPTIONS[each].stored]


def test_stored_command_with_withheld_secrets_is_refused():
    config = json.dumps({"url": "http://lrs", "password": "hunter2"})
    stored = stored_command({**REQUIRED, "destination_config": config, "destination_provider": "LRS"})
    with pytest.raises(ConfigurationError, match=r"destination_config\.password") as caught:
        options_from(stored)
    assert "hunter2" not in json.dumps(stored) + str(caught.value)


@pytest.mark.parametrize("name", [name for name, row in OPTIONS.items() if row.needs])
def test_option_without_the_one_that_it_needs_is_refused(name):
    needed = OPTIONS[name].needs
    shown = "a SOURCE" if OPTIONS[needed].positional else f"--{needed}"
    with pytest.raises(ConfigurationError, match=f"--{name} has no effect without {shown}"):
        read_options({**REQUIRED, name: VALUES[name]})


@pytest.mark.parametrize("name", [name for name, row in OPTIONS.items() if row.destination])
def test_option_of_another_kind_of_destination_is_refused(name):
    with pytest.raises(ConfigurationError, match=f"--{name} applies only to"):
        read_options({**REQUIRED, "destination_provider": "LOGGER", name: VALUES[name]})


def test_settings_are_part_of_the_destination_configuration():
    line = {**REQUIRED, "destination_provider": "LRS", "max_rate": 2.0, "destination_config": '{"url": "http://lrs"}'}
    assert read_options(line).destination.config == {"url": "http://lrs", "max_rate": 2.0}


@pytest.mark.parametrize("name", [name for name, row in OPTIONS.items() if not row.positional])
def test_each_option_is_accepted_with_dashes(name):
    parser = argparse.ArgumentParser()
    add_arguments(parser, {name: OPTIONS[name]})
    value = VALUES[name]
    words = [] if value is True else value if isinstance(value, list) else [str(value)]
    spellings = [vars(parser.parse_args([f"--{spelled}", *words])) for spelled in (name, name.replace("_", "-"))]
    assert spellings == [{name: value}] * 2


OUT_OF_RANGE = {
    "batch_size": 0, "lrs_concurrency": -1, "max_rate": float("inf"), "grace_secs": -1.0, "verify_sample": 1.1,
    "lease_secs": 0.5, "sleep_between_batches_secs": 1e9, "unit_size": "0", "workers": "0", "read_ahead": 101,
    "max_rejected": "many", "since": "yesterday",
}  # fmt: skip


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_value_out_of_range_is_refused(name):
    with pytest.raises(ConfigurationError, match=f"^--{name} "):
        read_options({**given(name)[0], name: OUT_OF_RANGE[name]})


def test_since_after_until_is_refused():
    with pytest.raises(ConfigurationError, match="--since 2026-03-02 is not before --until 2026-03-01"):
        read_options({**REQUIRED, "since": "2026-03-02", "until": "2026-03-01"})
