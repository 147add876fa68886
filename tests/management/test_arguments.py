"""Arguments of commands: the text of ``--help``, and one line for each mistake."""

from __future__ import annotations

import re
import shlex

import pytest
from django.core.management import load_command_class

from log_replay.management.main import usage
from log_replay.management.verbs import command_of, verbs
from log_replay.options import OPTIONS

XAPI = ["--transformer_type", "xapi", "--source_provider", "LOCAL"]
SECRET = '{"password": "hunter2 -x"}'
HINT = " (log-replay transform_tracking_logs --help lists all options)\n"


def command():
    return load_command_class("log_replay", "transform_tracking_logs")


@pytest.fixture
def refused(capsys):
    """Return what is printed for wrong arguments."""

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as exited:
            command().run_from_argv(["log-replay", "transform_tracking_logs", *arguments])
        assert exited.value.code == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "hunter2" not in printed.err
        return printed.err.removeprefix("log-replay transform_tracking_logs: ").removesuffix(HINT)

    return run


def test_help_shows_three_examples_and_then_the_groups():
    text = command().create_parser("log-replay", "transform_tracking_logs").format_help()
    titles = ["Examples", "Source", "Destination", "What to replay", "Logging of statements", "Failures and resuming"]
    more = ["Speed", "Report of a dry run"]
    assert re.findall(r"^(\w[\w ]+):$", text, re.MULTILINE) == [*titles, *more, "Other options"]
    assert len(examples(text)) == 3


def examples(text: str) -> list[str]:
    return [found.replace("\\\n", "") for found in re.findall(r"^  (log-replay (?:.*\\\n)*.*)$", text, re.MULTILINE)]


def test_examples_of_help_can_be_parsed():
    parser = command().create_parser("log-replay", "transform_tracking_logs")
    for example in examples(parser.format_help()):
        assert parser.parse_args(shlex.split(example)[2:]).transformer_type in {"xapi", "caliper"}


@pytest.mark.parametrize("name", ["query", "replay_gaps", "dump_data_to_clickhouse", "replay", "gaps", "inspect"])
def test_examples_of_each_command_can_be_parsed(name):
    parser = load_command_class("log_replay", command_of(name)).create_parser("log-replay", name)
    commands = examples(parser.format_help())
    assert len(commands) >= 2
    for example in commands:
        parser.parse_args(shlex.split(example)[2:])


@pytest.mark.parametrize("verb", verbs())
def test_help_of_a_verb_fits_into_80_columns(monkeypatch, verb):
    monkeypatch.setenv("COLUMNS", "80")
    text = load_command_class("log_replay", command_of(verb)).create_parser("log-replay", verb).format_help()
    assert max(map(len, text.splitlines())) <= 80


def test_list_of_verbs_fits_into_80_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, usage().splitlines())) <= 80


def test_help_shows_each_option_once_with_underscores():
    text = command().create_parser("log-replay", "transform_tracking_logs").format_help()
    shown = re.findall(r"^  (--\w+)", text, re.MULTILINE)
    assert [name for name in shown if name[2:] in OPTIONS] == [f"--{name}" for name in OPTIONS if name != "sources"]
    assert "--source-config" not in text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--source_confg", SECRET], "there is no option --source_confg; did you mean --source_config?"),
        ([f"--source_confg={SECRET}"], "there is no option --source_confg; did you mean --source_config?"),
        (["--passwd", "hunter2"], "there is no option --passwd"),
        (["--dry_run=hunter2"], "argument --dry_run: this option takes no value"),
        (["--batch_size", "many"], "argument --batch_size: invalid int value: 'many'"),
        (["--source_config"], "argument --source_config: expected one argument"),
    ],
)
def test_wrong_arguments_are_one_line_without_their_values(refused, typed, said):
    assert refused(*XAPI, *typed) == said


def test_ambiguous_option_does_not_show_its_value(refused):
    assert refused(*XAPI, f"--source={SECRET}").startswith("ambiguous option: --source could match --source_provider")


def test_wrong_arguments_are_shown_without_control_characters(refused):
    said = refused(*XAPI, "--s\x1b[31m\n=x")
    assert "\x1b" not in said
    assert "\n" not in said


def test_missing_options_are_named_once(refused):
    assert refused() == "the following arguments are required: --transformer_type"


def test_inspect_accepts_that_it_is_a_dry_run():
    parser = load_command_class("log_replay", command_of("inspect")).create_parser("log-replay", "inspect")
    assert parser.parse_args(["logs", "--dry-run"]).dry_run
    assert "\n  --dry_run" not in parser.format_help()
