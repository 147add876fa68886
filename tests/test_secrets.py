"""No output of a run contains a secret, whatever goes wrong."""

from __future__ import annotations

import gzip
import io
import json
import sys
import time
from base64 import b64encode
from pathlib import Path

import pytest
import structlog

from log_replay.options.values import read_config
from log_replay.statement_log import configure_own_log
from tests.support.paths import SAMPLE
from tests.support.peak_memory import RUNNER
from tests.support.runs import Shell
from tests.support.scripted_server import LrsResponse, ScriptedServer

SECRET = "s3cret-Grüße"
#: A secret in all the spellings that an error could quote.
SPELLINGS = [
    SECRET.encode(),
    b64encode(f"ada:{SECRET}".encode()),
    b64encode(SECRET.encode()),
    json.dumps(SECRET).strip('"').encode(),
    b"s3cret",
]


@pytest.fixture
def server():
    with ScriptedServer() as running:
        yield running


@pytest.fixture(scope="module")
def debugging_shell(tmp_path_factory):
    """``log-replay`` with Django's DEBUG on."""
    home = tmp_path_factory.mktemp("secrets")
    (home / "debugging.py").write_text("from log_replay.standalone.settings import *\n\nDEBUG = True\n")
    shell = Shell(home)
    shell.environment |= {"DJANGO_SETTINGS_MODULE": "debugging", "PYTHONPATH": str(home)}
    loaded = shell("load_identities", "sample")
    assert loaded.returncode == 0, loaded.stderr
    shell.home = home
    return shell


def arguments(config: dict, *more: str) -> list[str]:
    return [
        "transform_tracking_logs", "--transformer_type", "xapi", "--source_provider", "LOCAL",
        "--source_config", json.dumps({"key": str(SAMPLE.parent), "container": SAMPLE.name, "prefix": "tracking.log"}),
        "--destination_provider", "LRS", "--destination_config", json.dumps(config, ensure_ascii=False),
        "--sleep_between_batches_secs", "0", "--event", "play_video", *more,
    ]  # fmt: skip


def credentials(url: str) -> dict[str, str]:
    return {"url": url, "username": "ada", "password": SECRET}


CHECKED = LrsResponse(404)
TROUBLES = {
    "check": [LrsResponse(401)],
    "unauthorized": [CHECKED, LrsResponse(401)],
    "refused": [CHECKED, LrsResponse(400, body=SECRET.encode())],
    "conflict": [CHECKED, LrsResponse(409)],
    "redirected": [CHECKED, LrsResponse(302, {"Location": "http://ada:s3cret@elsewhere.example.com/?t=s3cret"})],
    "gone": [CHECKED, LrsResponse(404, body=SECRET.encode())],
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_output_of_a_failed_run_contains_a_secret(debugging_shell, server, tmp_path, trouble):
    """With Django's DEBUG on, and with --traceback."""
    server.script = list(TROUBLES[trouble])
    left = [tmp_path / name for name in ("summary.json", "rejects.jsonl")]
    more = ["--summary", str(left[0]), "--rejects", str(left[1]), "--traceback", "--run", trouble]
    done = debugging_shell(*arguments(credentials(server.url), *more))
    assert done.returncode in {1, 2}, done.stderr
    assert server.asked[0].headers["Authorization"].endswith(SPELLINGS[1].decode())
    shown = [done.stdout, done.stderr, *(path.read_bytes() for path in left if path.exists())]
    shown += [path.read_bytes() for path in debugging_shell.home.glob("*.sqlite3*")]
    for spelling in SPELLINGS:
        assert not any(spelling in each for each in shown), spelling


@pytest.mark.parametrize(
    "config",
    [
        {"url": f"http://ada:{SECRET}@127.0.0.1:9/xAPI"},
        {"url": "http://127.0.0.1:9/xAPI", "token": f"{SECRET}\n"},
        {"url": "http://127.0.0.1:9/xAPI", "password": SECRET},
        {"url": f"http://127.0.0.1:9/{{}}?key={SECRET}", "token": SECRET},
        {"url": "http://127.0.0.1:9/xAPI", "token": SECRET, "verify": 3},
        {"url": "http://127.0.0.1:9/xAPI", "wrong": SECRET},
    ],
)
def test_error_in_a_configuration_quotes_no_secret(debugging_shell, config):
    done = debugging_shell(*arguments(config, "--traceback"))
    assert done.returncode, done.stderr
    assert b"s3cret" not in done.stdout + done.stderr


def test_secret_on_the_command_line_draws_a_warning_with_a_hint(debugging_shell):
    done = debugging_shell(*arguments(credentials("http://127.0.0.1:9/xAPI"), "--plan"))
    assert b"other users of this machine can see secrets on the command line" in done.stderr
    assert b"--destination_config" in done.stderr
    assert b"${NAME}" in done.stderr
    assert b"s3cret" not in done.stderr


def test_secret_from_the_environment_draws_no_warning(debugging_shell, monkeypatch):
    monkeypatch.setitem(debugging_shell.environment, "LRS_PASSWORD", SECRET)
    config = {"url": "http://127.0.0.1:9/xAPI", "username": "${LRS_PASSWORD}", "password": "${LRS_PASSWORD}"}
    done = debugging_shell(*arguments(config, "--plan"))
    assert done.returncode == 0
    assert b"command line" not in done.stderr


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are not files here")
def test_command_lines_of_workers_hold_no_secret(debugging_shell, server):
    server.script = [CHECKED, LrsResponse(200, delay_seconds=3)]
    process = debugging_shell.start(*arguments(credentials(server.url), "--workers", "2"))
    try:
        until = time.monotonic() + 60
        while not server.posted:
            assert time.monotonic() < until
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        workers = descendants(process.pid)
        shown = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in workers]
    finally:
        process.kill()
        process.communicate()
    assert shown
    assert not any(spelling in line for line in shown for spelling in SPELLINGS)


def descendants(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [*children, *(grandchild for child in children for grandchild in descendants(child))]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_traceback_in_our_own_log_shows_no_variables(stream):
    """If rich is installed, structlog shows them by default."""
    written = stream()
    configure_own_log(written)

    def fail(password):
        assert password
        raise RuntimeError

    try:
        fail(SECRET)
    except RuntimeError:
        structlog.get_logger("log_replay.tests").exception("it failed")
    assert "RuntimeError" in written.getvalue()
    assert "s3cret" not in written.getvalue()


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, True), (0o604, True), (0o644, True)])
def test_file_that_others_can_read_draws_a_warning(tmp_path, mode, warned):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"password": SECRET}))
    path.chmod(mode)
    written = io.StringIO()
    configure_own_log(written)
    assert read_config("--source_config", f"@{path}") == {"password": SECRET}
    assert ("other users can read this file" in written.getvalue()) == warned
    assert "s3cret" not in written.getvalue()


def test_readable_file_without_secrets_draws_no_warning(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"key": "/logs", "container": "c"}))
    path.chmod(0o644)
    written = io.StringIO()
    configure_own_log(written)
    assert read_config("--source_config", f"@{path}")
    assert written.getvalue() == ""


def test_decompression_bomb_is_read_in_bounded_memory(debugging_shell, tmp_path):
    """One line of a gigabyte in a megabyte, then an event; the same, compressed twice, is not a log."""
    logs = tmp_path / "logs"
    logs.mkdir()
    bomb = gzip.compress(b"x" * 10_000_000, 1) * 100
    line = (SAMPLE / "tracking.log").read_bytes().splitlines(keepends=True)[0]
    (logs / "a.log.gz").write_bytes(bomb + gzip.compress(b"\n" + line))
    (logs / "b.log.gz").write_bytes(gzip.compress(bomb))
    shell = Shell(debugging_shell.home)
    shell.command = [sys.executable, "-c", RUNNER]
    source = json.dumps({"key": str(tmp_path), "container": "logs"})
    summary = tmp_path / "summary.json"
    done = shell(
        *("transform_tracking_logs", "--transformer_type", "xapi", "--source_provider", "LOCAL"),
        *("--source_config", source, "--dry_run", "--log_to", "null", "--summary", str(summary)),
    )
    assert int(done.stderr.rsplit(b"rss_kb=", 1)[1]) / 1024 < 250
    report = json.loads(summary.read_text())
    assert report["objects"]["a.log.gz"]["lines"] == 2
    assert report["rejects_by_reason"]["line_too_long"] == 1
