"""Replays as operators type them, with real Tutor, the real Aspects plugin and real services."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.support.tutor_site import endurance, needs_kubectl

COUNT = "SELECT count() FROM openedx.xapi_events_all"
STATEMENTS = 252
#: As the guide of Aspects has it.
SEED = [
    "do", "transform-tracking-logs", "--source_provider", "LOCAL",
    "--source_config", '{"key": "/openedx/data/", "prefix": "tracking.log", "container": "logs"}',
    "--destination_provider", "LRS", "--transformer_type", "xapi",
]  # fmt: skip


def succeeded(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize(
    ("tutor_release", "mode"),
    [
        ("oldest", "local"),
        ("newest", "dev"),
        ("newest", "k8s"),
        *(pytest.param("oldest", mode, marks=endurance) for mode in ("dev", "k8s")),
        pytest.param("newest", "local", marks=endurance),
    ],
)
def test_the_guides_command_fills_aspects_table(new_site, clickhouse, mode):
    if mode == "k8s":
        needs_kubectl()
    done = succeeded(new_site(mode, *SEED))
    assert clickhouse.query(COUNT) == [[str(STATEMENTS)]]
    assert "destination: CLICKHOUSE at http://127.0.0.1" in done.stderr


@pytest.mark.parametrize("mode", ["k8s", *(pytest.param(mode, marks=endurance) for mode in ("local", "dev"))])
def test_the_guides_command_for_s3_fills_aspects_table(site, clickhouse, s3, mode):
    if mode == "k8s":
        needs_kubectl()
    log = (site.logs / "tracking.log").read_bytes()
    half = log.index(b"\n", len(log) // 2) + 1
    s3.write("any-prefix/1.log", log[:half])
    s3.write("any-prefix/2.log.gz", gzip.compress(log[half:]))
    # The guide's keys, and where the server is.
    config = {
        "key": s3.key, "secret": s3.secret, "region": "us-east-1", "container": s3.container, "prefix": "any-prefix",
        "host": s3.host, "port": s3.port, "secure": False,
    }  # fmt: skip
    source = ["--source_provider", "S3", "--source_config", json.dumps(config)]
    succeeded(site(mode, *SEED[:2], *source, *SEED[6:]))
    assert clickhouse.query(COUNT) == [[str(STATEMENTS)]]


@pytest.mark.parametrize("mode", ["k8s", *(pytest.param(mode, marks=endurance) for mode in ("local", "dev"))])
def test_aspects_table_of_tracking_events_is_a_source(site, clickhouse, mode):
    if mode == "k8s":
        needs_kubectl()
    succeeded(site("local", "do", "replay-tracking-logs", "--tracking", "--create_tables"))
    clickhouse.query("TRUNCATE TABLE openedx.xapi_events_all")
    (site.logs / "tracking.log").unlink()
    done = succeeded(site(mode, "do", "transform-tracking-logs", "--source_provider", "CLICKHOUSE"))
    assert clickhouse.query(COUNT) == [[str(STATEMENTS)]]
    assert clickhouse.password not in done.stdout + done.stderr


def test_without_options_the_sites_logs_go_to_aspects(site, clickhouse):
    (site.logs / "tracking.log-20260101").write_bytes((site.logs / "tracking.log").read_bytes())
    succeeded(site("local", "do", "replay-tracking-logs"))
    assert clickhouse.query("SELECT uniqExact(event_id) FROM openedx.xapi_events_all") == [[str(STATEMENTS)]]
    done = succeeded(site("local", "do", "transform-tracking-logs", "--deduplicate", "--run", "twice"))
    assert "removing repeated rows from openedx.xapi_events_all" in done.stderr
    assert "there is no table openedx.enrollment_events" in done.stderr
    assert clickhouse.query(COUNT) == [[str(STATEMENTS)]]


def test_gaps_and_runs(site, clickhouse):
    before = site("local", "do", "replay-gaps", "--fail_if_missing")
    assert before.returncode == 1, before.stderr
    succeeded(site("local", "do", "transform-tracking-logs", "--only_missing", "--run", "first"))
    succeeded(site("local", "do", "replay-gaps", "--fail_if_missing"))
    assert "first" in succeeded(site("local", "do", "replay-runs", "list")).stdout


@pytest.mark.parametrize(("arguments", "code"), [(["--nosuch"], 2), (["--max_rejected", "1"], 3)])
def test_the_exit_code_is_that_of_the_command(site, arguments, code):
    assert site("local", "do", "transform-tracking-logs", *arguments).returncode == code


@endurance
def test_no_sleep_between_batches_means_none(site, clickhouse):
    options = ["--sleep_between_batches_secs", "0", "--batch_size", "10"]
    succeeded(site("local", "do", "transform-tracking-logs", *options))
    assert clickhouse.query(COUNT) == [[str(STATEMENTS)]]


def test_where_aspects_takes_xapi_by_ralph_it_gets_them(site, ralph):
    host, _, port = ralph.url.removeprefix("http://").removesuffix("/xAPI").partition(":")
    site.use(
        RUN_RALPH=True, ASPECTS_XAPI_SOURCE="ralph", RALPH_HOST=host, RALPH_PORT=port,
        RALPH_LMS_USERNAME=ralph.username, RALPH_LMS_PASSWORD=ralph.password,
    )  # fmt: skip
    before = len(ralph.statements())
    succeeded(site("local", "do", "replay-tracking-logs", "--sleep_between_batches_secs", "0"))
    assert len(ralph.statements()) - before == STATEMENTS


def test_the_logs_can_be_inspected_before(site, clickhouse):
    done = succeeded(site("local", "do", "inspect-tracking-logs"))
    assert "problem_check" in done.stdout + done.stderr
    assert clickhouse.query(COUNT) == [["0"]]


def test_a_file_of_the_host_names_a_mounted_folder(site, clickhouse, tmp_path):
    archive, path = tmp_path / "archive", tmp_path / "source.json"
    archive.mkdir()
    lines = (site.logs / "tracking.log").read_text(errors="surrogateescape").splitlines(keepends=True)
    wrapped = "".join(json.dumps({"log": line, "stream": "stderr"}) + "\n" for line in lines)
    (archive / "tracking.log").write_text(wrapped)
    (site.logs / "tracking.log").unlink()
    succeeded(site("mounts", "add", f"log-replay-job:{archive}:/archive"))
    path.write_text(json.dumps({"key": "/", "container": "archive", "unwrap": True}))
    source = ["--source_provider", "LOCAL", "--source-config", f"@{path}"]
    succeeded(site("local", "do", "transform-tracking-logs", *source))
    assert clickhouse.query(COUNT) == [[str(STATEMENTS)]]
    assert site("local", "do", "transform-tracking-logs", "--source_config=@/nosuch").stderr.splitlines()[-1] == (
        "Error: cannot read @/nosuch: No such file or directory"
    )


@pytest.mark.parametrize("mode", ["local", "dev", "k8s"])
def test_help_needs_no_container(site, mode):
    for command in ("transform-tracking-logs", "dump-data-to-clickhouse"):
        assert f"Usage: tutor {mode} do" in succeeded(site(mode, "do", command, "--help")).stdout
    assert site.recorded("container") == []


def test_kubernetes_without_logs_says_where_they_can_be(site):
    site.use(LOG_REPLAY_K8S_LOGS_VOLUME="")
    done = site("k8s", "do", "transform-tracking-logs")
    assert done.returncode == 2
    assert "LOG_REPLAY_K8S_LOGS_VOLUME" in done.stderr
    assert site.recorded("job") == []
