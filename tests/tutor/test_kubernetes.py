"""Jobs on Kubernetes: several pods, how they end, and Ctrl-C. ``kubectl`` is a recorder that runs the pods."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import kubernetes_validate
import pytest

from tests.support.tutor_site import needs_containers, needs_kubectl

#: What runs in the pods: it ends as the test wants, when the test wants.
POD = """#!/bin/sh
while [ ! -e "$RELEASE" ]; do sleep 0.1; done
set -- $CODES
shift "$JOB_COMPLETION_INDEX"
echo "output of $JOB_COMPLETION_INDEX"
echo '{"total": {"lines": 12, "statements": 7, "failed": 0}}' >/dev/termination-log
exit "$1"
"""
REPLAY = ["k8s", "do", "replay-tracking-logs", "--source_provider=LOCAL", "--run=year", "--parallelism", "3"]


@pytest.fixture
def cluster(newest_project, tmp_path):
    """A project whose pods run POD."""
    needs_containers()
    needs_kubectl()
    programs = tmp_path / "image"
    programs.mkdir()
    (programs / "python3").write_text(POD)
    (programs / "python3").chmod(0o755)
    newest_project.settings["images"]["overhangio/openedx"] = {"path": str(programs)}
    newest_project.set_up("log-replay", LOG_REPLAY_IN_LMS=True)

    def prepare(codes, *, background=False):
        environment = {"RELEASE": str(tmp_path / "release"), "CODES": codes}
        newest_project.settings["images"]["overhangio/openedx"]["environment"] = environment
        newest_project.settings["background"] = background
        newest_project.save_settings()
        return newest_project

    return prepare


@pytest.mark.parametrize(("codes", "worst"), [("0 0 0", 0), ("3 1 0", 1), ("0 137 3", 1)])
def test_the_exit_code_is_the_worst_of_all_pods(cluster, tmp_path, codes, worst):
    (tmp_path / "release").touch()
    project = cluster(codes)
    done = project(*REPLAY)
    assert done.returncode == worst, done.stderr
    name = project.recorded("job")[0]["arguments"][0]
    shown = []
    for index, code in enumerate(codes.split()):
        if code != "0":
            shown += [f"pod {name}-{index} ended with {code}; its last lines:", f"output of {index}"]
    shown.append("the whole run: 12 lines, 7 statements")
    assert done.stderr.splitlines()[-len(shown) :] == shown
    (job,), (secret,) = project.recorded("job"), project.recorded("secret")
    for recorded in (job, secret):
        kubernetes_validate.validate(recorded["manifest"], "1.31", strict=True)
    spec = job["manifest"]["spec"]
    assert (spec["parallelism"], spec["completions"], spec["completionMode"]) == (3, 3, "Indexed")
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize(("arguments", "message"), [
    (["k8s", "do", "replay-tracking-logs", "--parallelism", "3"], "--parallelism needs --run NAME"),
    (["k8s", "do", "replay-tracking-logs", "--run=x", "--parallelism", "none"], "must be a positive number"),
    (["local", "do", "replay-tracking-logs", "--run=x", "--parallelism", "3"], "needs `tutor k8s`"),
])  # fmt: skip
def test_wrong_parallelism_is_refused(cluster, arguments, message):
    done = cluster("0")(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(("answer", "suspended"), [("n", None), ("y", True)])
def test_ctrl_c_asks_whether_to_leave_the_job_running(cluster, tmp_path, answer, suspended):
    project = cluster("0 0 0", background=True)
    with subprocess.Popen(
        [project.tutor / "bin" / "tutor", *REPLAY], env=project.environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        for line in process.stderr:
            if "of 3 pods complete" in line:
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(f"{answer}\n")
    (job,) = project.objects.glob("job-*.json")
    assert process.returncode == 1
    assert ("the job goes on" in errors) != ("stopped" in errors)
    assert json.loads(job.read_text())["spec"].get("suspend") is suspended
    assert len(list(project.objects.glob("secret-*"))) == 1  # it belongs to the Job
    (tmp_path / "release").touch()
    while "conditions" not in json.loads(job.read_text() or "{}").get("status", {}):
        time.sleep(0.1)


def test_pods_at_the_same_time_share_a_run(site, clickhouse):
    needs_kubectl()
    done = site("k8s", "do", "replay-tracking-logs", "--run", "shared", "--parallelism", "3", "--unit_size", "20KB")
    assert done.returncode == 0, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("the whole run: ")
    assert "252 delivered" in last
    assert clickhouse.query("SELECT count() FROM openedx.xapi_events_all") == [["252"]]
