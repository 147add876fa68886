"""The command ``dump_data_to_clickhouse``: options, exit codes, the embedded ClickHouse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

LOG_REPLAY = Path(sys.executable).parent / "log-replay"
COUNT = """
import sys, clickhouse_connect
client = clickhouse_connect.get_client(dsn="chdb://" + sys.argv[1])
print(client.command("SELECT count() FROM event_sink.external_id"))
client.close()
"""


@pytest.fixture
def log_replay(tmp_path):
    """Return a function that runs ``log-replay`` with its own LOG_REPLAY_HOME."""

    def run(*arguments):
        environment = {**os.environ, "LOG_REPLAY_HOME": str(tmp_path / "home")}
        return subprocess.run(
            [LOG_REPLAY, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def usage_error(*arguments) -> str:
    with pytest.raises(CommandError) as raised:
        call_command("dump_data_to_clickhouse", *arguments)
    assert raised.value.returncode == 2
    return str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "--object"),
        (["--object", "nonsense"], "'nonsense' is not one of course_overviews, user_profile"),
        (["--object", "user_profil"], "did you mean user_profile?"),
        (["--object", "auth_user"], "delete every user"),
        (["--object", "external_id", "--limit", "0"], "--limit 0"),
        (["--object", "external_id", "--limit", "1", "--force"], "--force"),
        (["--object", "external_id", "--batch-size", "0"], "--batch_size 0"),
        (["--object", "external_id", "--sleep-time=-1"], "--sleep_time -1"),
        (["--object", "external_id", "--sleep_time", "nan"], "--sleep_time nan"),
        (["--object", "external_id", "--start_pk", "x"], "'x' is not a primary key of external_id"),
        (["--object", "external_id", "--ids", "1", "x"], "--ids 'x'"),
        (["--object", "external_id", "--ids-to-skip", "y"], "--ids_to_skip 'y'"),
        (["--object", "external_id", "--database", "a; b"], "'a; b' is not a valid name"),
        (["--object", "external_id", "--password", "${NOT_SET_ANYWHERE}"], "NOT_SET_ANYWHERE"),
        (["--object", "external_id", "--url", "http://127.0.0.1:1"], "connection refused"),
        (["--object", "external_id", "--url", "http://me:secret@h"], "credentials"),
        (["--object", "external_id", "--url", "http://h", "--path", "x"], "either a url or a path"),
        (["--object", "user_profile"], "no table auth_userprofile"),
        (["--object", "course_overviews"], "course_overviews_courseoverview lacks"),
    ],
)
def test_wrong_usage_exits_with_2_and_names_the_option(db, arguments, expected):
    message = usage_error(*arguments)
    assert expected in message
    assert "secret" not in message


def test_dump_inside_an_lms_has_no_default_destination(db, settings):
    settings.LOG_REPLAY_STANDALONE = False
    assert "no ClickHouse is configured" in usage_error("--object", "external_id")


def test_dump_stopped_by_sigterm_prints_the_start_pk(clickhouse, event_sink, tmp_path):
    environment = {**os.environ, "LOG_REPLAY_HOME": str(tmp_path / "home")}
    subprocess.run([LOG_REPLAY, "load_identities", "sample"], env=environment, check=True, capture_output=True)
    place = ["--url", clickhouse.url, "--username", "default", "--password", clickhouse.password]
    rest = ["--database", event_sink, "--object", "external_id", "--batch-size", "7", "--sleep-time", "1000"]
    process = subprocess.Popen(
        [LOG_REPLAY, "dump_data_to_clickhouse", *place, *rest], env=environment, stderr=subprocess.PIPE, text=True
    )
    last_pk = json.loads(process.stderr.readline())["last_pk"]
    process.terminate()
    _, stderr = process.communicate(timeout=200)
    assert process.returncode == 1
    assert f"stopped: SIGTERM; continue with --start_pk {last_pk}" in stderr


def test_dump_outside_an_lms_goes_to_the_embedded_clickhouse(log_replay, tmp_path):
    loaded = log_replay("load_identities", "sample")
    assert loaded.returncode == 0, loaded.stderr
    done = log_replay("dump_data_to_clickhouse", "--object", "external_id", "--batch-size", "7")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr.endswith("external_id: 19 dumped, 0 skipped, 0 failed\n")
    count = [sys.executable, "-c", COUNT, str(tmp_path / "home" / "clickhouse")]
    assert subprocess.run(count, capture_output=True, text=True, check=True).stdout == "19\n"
