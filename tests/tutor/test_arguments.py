"""Any text in any option arrives unchanged, through click, Tutor, Jinja, the shell, compose and Kubernetes."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.tutor_site import TutorSite, needs_containers, needs_kubectl

#: Records its arguments at the far end, where Open edX's manage.py is.
FAR_END = """
import json, os, sys
with open(os.environ["RECORD_TO"], "w") as record:
    json.dump(sys.argv, record)
"""
DIFFICULT = [
    "'", '"', "\\", "$HOME", "${HOME}", "$(HOME)", "$$(HOME)", "$$", "`id`", "{{ MYSQL_ROOT_PASSWORD }}", "{% raw",
    "{#", "#}", "a\nb", "\n", " ", "", "!", "%s", "*", "~", "\\n", "é", "🪸", "\x1b[0m", "a=b", "@nosuch", ";", "&",
    "|", "<x>", "--", "-", "null", "0", '{"key": "/openedx/data/", "prefix": "it\'s"}', "\ufeff", "\u2028",
]  # fmt: skip
NO_ZERO = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.lists(st.one_of(st.sampled_from(DIFFICULT), st.text(NO_ZERO, max_size=30)), min_size=10, max_size=40)


def test_a_source_is_told_from_the_value_of_an_option(newest_tutor, plugin):
    expected = {
        ("/archive",): True,
        ("--event", "a", "b", "--dry_run", "/archive"): True,
        ("--dry-run", "-"): True,
        ("--batch_size", "10", "s3://bucket"): True,
        (): False,
        ("--event", "a", "b"): False,
        ("--batch_size", "10", "--dry_run", "--since=2026-01-01"): False,
    }
    script = (
        "import json, sys;"
        "from tutorlogreplay.arguments import has_positional;"
        "from tutorlogreplay.commands import _arity;"
        "kinds = _arity('replay_tracking_logs');"
        "print(json.dumps([has_positional(arguments, **kinds) for arguments in json.loads(sys.argv[1])]))"
    )
    command = [newest_tutor / "bin" / "python", "-c", script, json.dumps([*expected])]
    done = subprocess.run(command, env={"PYTHONPATH": str(plugin)}, capture_output=True, text=True, check=True)
    assert dict(zip(expected, json.loads(done.stdout), strict=True)) == expected


@pytest.fixture(scope="module")
def far_end(tmp_path_factory, newest_tutor, plugin):
    """Return a function that runs a command in a mode, and returns the arguments that arrive."""
    needs_containers()
    needs_kubectl()
    folder = tmp_path_factory.mktemp("far-end")
    site = TutorSite(folder, newest_tutor, plugin)
    (folder / "platform").mkdir()
    (folder / "platform" / "manage.py").write_text(FAR_END)
    record = folder / "arguments.json"
    site.settings["images"]["overhangio/openedx"] = site.settings["images"]["openedx-dev"] = {
        "path": site.settings["images"]["openedx-log-replay"]["path"],
        "folder": "/openedx/edx-platform",
        "mounts": [[str(folder / "platform"), "/openedx/edx-platform", False]],
        "environment": {"RECORD_TO": str(record)},
    }
    site.save_settings()
    site.set_up("log-replay", LOG_REPLAY_IN_LMS=True)

    def arguments(mode, *command):
        record.unlink(missing_ok=True)
        done = site(mode, "do", *command)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(record.read_text())

    return arguments


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder for the files that options name with ``@``."""
    return tmp_path_factory.mktemp("files")


@pytest.mark.parametrize("mode", ["local", "dev", "k8s"])
@settings(
    max_examples=int(os.environ.get("LOG_REPLAY_TUTOR_EXAMPLES", "1")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=TEXTS)
@example(texts=DIFFICULT)
def test_any_text_arrives_unchanged(far_end, files, mode, texts):
    options = [f"--run={text}" for text in texts]
    options += [part for text in texts if not text.startswith(("-", "@")) for part in ("--source-config", text)]
    typed, arrived = list(options), list(options)
    for number, text in enumerate(texts):
        path = files / str(number)
        path.write_bytes(text.encode() + b"\r\n")
        content = text.strip(" \t\r\n")
        typed += [f"--source_config=@{path}", "--missing-from", f"@{path}"]
        arrived += [f"--source_config={content}", "--missing-from", content]
    expected = ["manage.py", "lms", "replay_gaps", "--transformer_type=xapi", *arrived]
    assert far_end(mode, "replay-gaps", *typed) == expected


def test_bytes_that_are_not_utf_8_arrive_unchanged(far_end):
    option = b"--run=\xff\xfe\x80"
    assert os.fsencode(far_end("local", "replay-runs", option)[-1]) == option


def test_the_text_of_options_is_split_as_a_shell_does(far_end):
    options = """--object user_profile --ids "a b" 'c"d' $HOME {{ x }}"""
    arrived = far_end("local", "dump-data-to-clickhouse", "--service", "lms", "--limit", "3", "--options", options)
    assert arrived[3:] == ["--limit", "3", "--object", "user_profile", "--ids", "a b", 'c"d', "$HOME", "{{", "x", "}}"]
