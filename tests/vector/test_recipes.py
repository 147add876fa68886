"""The recipes are valid, and agree with the files that they combine."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from log_replay.docs.recipes import recipes
from log_replay.options import read_options
from log_replay.options.arguments import add_arguments
from tests.support.vector.shipped import DEAD_LETTER, README_BLOCKS, REFERENCE, ROOT, TRANSFORMS, VECTOR, composed

DEPLOY = VECTOR / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
MANIFESTS = {path.stem: list(yaml.safe_load_all(path.read_text())) for path in DEPLOY.glob("kubernetes-*.yaml")}
KIND_OF = {f"statements_kind.{kind}": kind for kind in ("xapi", "caliper", "tracking")}


def jobs_pod(name):
    (job,) = (manifest for manifest in MANIFESTS[name] if manifest["kind"] == "Job")
    return job["spec"]["template"]["spec"]


def containers(pod):
    return [*pod["initContainers"], *pod["containers"]]


def sidecar(pod):
    (vector,) = (container for container in pod["initContainers"] if container["name"] == "vector")
    return vector


def environment(container):
    return {variable["name"]: variable.get("value") for variable in container["env"]}


def option_values(arguments, name):
    return [argument.removeprefix(f"--{name}=") for argument in arguments if argument.startswith(f"--{name}=")]


def assert_environment_fits_the_sinks(paths, given):
    config = composed(*paths)
    readers = config["sinks"] | {
        k: v for k, v in config["transforms"].items() if k not in composed(TRANSFORMS)["transforms"]
    }
    stored = {KIND_OF[source] for reader in readers.values() for source in reader["inputs"] if source in KIND_OF}

    assert set(given["LOG_REPLAY_KINDS"].split(",")) == stored
    assert given["VECTOR_DANGEROUSLY_ALLOW_ENV_VAR_INTERPOLATION"] == "true"
    assert given["VECTOR_REQUIRE_HEALTHY"] == "true"
    assert DEAD_LETTER in paths


def parsed_command(script, monkeypatch):
    """Parse the `transform_tracking_logs` command in a script."""
    monkeypatch.setenv("SOURCE_KEY", "key")
    monkeypatch.setenv("SOURCE_SECRET", "secret")
    command = re.search(r"transform_tracking_logs((?:[^\n]*\\\n)*[^\n|]*(?:\n *\"region[^\n]*\\\n[^\n]*)?)", script)[1]
    words = shlex.split(command.replace("\\\n", " ").replace("|| ended=$?", ""))
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return read_options(vars(parser.parse_args(words)))


def test_manifests_are_made_by_the_code_of_the_command():
    assert {path: path.read_text() for path in DEPLOY.glob("kubernetes-*.yaml")} == recipes(), "run make reference"


@pytest.mark.parametrize("version", ["1.29", "1.37"])
@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_are_valid(name, version):
    for manifest in MANIFESTS[name]:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("name", MANIFESTS)
def test_containers_may_do_nothing_that_they_need_not(name):
    pod = jobs_pod(name)
    assert pod["securityContext"]["runAsNonRoot"]
    for container in containers(pod):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", MANIFESTS)
def test_kustomize_accepts_the_manifests(name, tmp_path):
    if not shutil.which("kubectl"):
        pytest.skip("this test needs kubectl: https://kubernetes.io/docs/tasks/tools/")
    shutil.copy(DEPLOY / f"{name}.yaml", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{name}.yaml]\n")
    shown = subprocess.run(["kubectl", "kustomize", tmp_path], capture_output=True, check=True).stdout
    by_kind = {manifest["kind"]: manifest for manifest in MANIFESTS[name]}
    assert {manifest["kind"]: manifest for manifest in yaml.safe_load_all(shown)} == by_kind


def test_sidecar_is_native_and_has_time_to_store_the_rest():
    pod = jobs_pod("kubernetes-sidecar")
    vector = sidecar(pod)

    assert vector["restartPolicy"] == "Always"
    assert "--graceful-shutdown-limit-secs=86400" in vector["args"]
    assert pod["terminationGracePeriodSeconds"] >= 600


def test_sidecar_mounts_the_files_and_secrets_it_names():
    pod = jobs_pod("kubernetes-sidecar")
    vector = sidecar(pod)
    paths = [
        next(VECTOR.rglob(value.removeprefix("/etc/log-replay/"))) for value in option_values(vector["args"], "config")
    ]
    header = (DEPLOY / "kubernetes-sidecar.yaml").read_text()
    given = set(re.findall(r"--from-file=(vector/\S+)", header))

    assert {str(path.relative_to(ROOT)) for path in paths} == given
    mounted = [mount["name"] for each in containers(pod) for mount in each["volumeMounts"]]
    assert set(mounted) == {volume["name"] for volume in pod["volumes"]}
    assert_environment_fits_the_sinks(paths, environment(vector))
    (secrets,) = (volume["secret"] for volume in pod["volumes"] if "secret" in volume)
    used = set(re.findall(r"SECRET\[\w+\.(\w+)\]", "".join(path.read_text() for path in paths)))
    assert {item["path"] for item in secrets["items"]} == used


def test_sidecar_listens_where_the_job_sends(monkeypatch):
    pod = jobs_pod("kubernetes-sidecar")
    (container,) = pod["containers"]

    options = parsed_command(container["command"][-1], monkeypatch)

    socket = composed(VECTOR / "sources" / "socket.yaml")["sources"]["statements_from_socket"]
    assert options.log_to == f"tcp://{socket['address']}"
    assert options.log_format == "json"
    assert options.dry_run
    vector = sidecar(pod)
    assert vector["startupProbe"]["exec"]["command"][-2:] == socket["address"].split(":")


def test_job_for_an_agent_has_the_name_that_aspects_reads(monkeypatch):
    (container,) = jobs_pod("kubernetes-agent")["containers"]

    options = parsed_command(container["command"][-1], monkeypatch)

    assert container["name"] == "lms-job"
    assert (options.log_to, options.log_format, options.dry_run) == ("stdout", "aspects", True)
    labels = MANIFESTS["kubernetes-agent"][0]["spec"]["template"]["metadata"]["labels"]
    source = composed(VECTOR / "sources" / "kubernetes.yaml")["sources"]["statements_from_kubernetes"]
    name, _, value = source["extra_label_selector"].partition("=")
    assert labels[name] == value


def test_compose_agrees_with_the_files(monkeypatch):
    compose = yaml.safe_load(COMPOSE.read_text())
    vector, job = compose["services"]["vector"], compose["services"]["log-replay"]
    paths = [VECTOR / value.removeprefix("/etc/log-replay/") for value in option_values(vector["command"], "config")]

    options = parsed_command(job["command"][-1], monkeypatch)

    assert all(path.is_file() for path in paths)
    assert_environment_fits_the_sinks(paths, vector["environment"])
    assert options.log_to == "tcp://vector:9009"
    assert vector["environment"]["LOG_REPLAY_LISTEN"] == "0.0.0.0:9009"
    assert "ports" not in vector
    used = {name for service in compose["services"].values() for name in service["secrets"]}
    assert used == compose["secrets"].keys()
    assert "--graceful-shutdown-limit-secs=86400" in vector["command"]
    assert job["depends_on"] == {"vector": {"condition": "service_healthy"}}
    assert vector["healthcheck"]["test"][-1] == vector["environment"]["LOG_REPLAY_LISTEN"].rpartition(":")[2]


def test_docker_accepts_the_compose_file():
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("there is no docker compose here: install the docker-compose-plugin")

    checked = subprocess.run(
        ["docker", "compose", "--file", COMPOSE, "config", "--quiet"], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr


def test_compose_refers_to_the_environment_with_defaults():
    for found in REFERENCE.findall(re.sub(r"#.*", "", COMPOSE.read_text())):
        assert found == "$$" or ":-" in found


@pytest.mark.parametrize("block", README_BLOCKS)
def test_readme_commands_are_valid(block, monkeypatch):
    named = re.findall(r"vector/[\w/.-]+\.yaml", block)

    assert all((ROOT / name).is_file() for name in named)
    if "transform_tracking_logs" in block:
        options = parsed_command(block.partition(" | ")[0], monkeypatch)
        assert options.log_to == "stdout"
    if "LOG_REPLAY_KINDS" in block:
        given = dict(re.findall(r"([A-Z_]+)=(\S+)", block))
        assert_environment_fits_the_sinks([ROOT / name for name in named], given)


def test_pipe_recipe_ends_with_a_check_of_the_table():
    (block,) = (
        block for block in README_BLOCKS if "sinks/clickhouse.yaml" in block and "transform_tracking_logs" in block
    )

    assert block.split()[:3] == ["set", "-o", "pipefail"]
    assert "--graceful-shutdown-limit-secs 86400" in block
    check = block.rpartition("&&")[2]
    assert check.split()[:2] == ["log-replay", "replay_gaps"]
    assert "--fail_if_missing" in check


def test_nothing_recommends_to_turn_off_the_shutdown_limit():
    option = "--no-graceful" + "-shutdown-limit"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    paths = [ROOT / name for name in tracked.split("\0") if name] or list(VECTOR.rglob("*.*"))

    assert [str(path) for path in paths if path.is_file() and option.encode() in path.read_bytes()] == []


def test_readme_names_every_source_and_sink():
    text = (VECTOR / "README.md").read_text()

    for path in (*(VECTOR / "sources").iterdir(), *(VECTOR / "sinks").iterdir()):
        assert f"`{path.stem}`" in text
