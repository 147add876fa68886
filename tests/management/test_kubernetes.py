"""The manifest that ``--kubernetes`` prints, and the result in the termination log of a pod."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from log_replay.errors import ConfigurationError
from log_replay.management.kubernetes import SPARE_SECONDS, manifest
from log_replay.options import read_options
from log_replay.options.arguments import add_arguments
from log_replay.records import SourceObject, Unit
from log_replay.report import Report
from log_replay.report.termination_log import write_termination_log

VERSIONS = ["1.29", "1.37"]
LRS = ["--destination_config", '{"url": "https://lrs.example.com/xAPI", "token": "${LRS_TOKEN}"}']


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return a function that parses a command line and returns the manifest."""
    monkeypatch.setenv("LRS_TOKEN", "hunter2")
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path)

    def make(*words: str) -> str:
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        arguments = ["--transformer_type", "xapi", "--run", "april 1", "--kubernetes", *words]
        return manifest(read_options(vars(parser.parse_args(arguments))))

    return make


def pod(text: str) -> dict:
    return yaml.safe_load(text)["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("image", [[], ["--image", "registry.example.com:5000/log-replay:1"]])
def test_manifest_is_valid(made, version, image):
    text = made("logs", *LRS, "--parallelism", "4", *image)
    job = yaml.safe_load(text)
    kubernetes_validate.validate(job, version, strict=True)
    assert (job["spec"]["completions"], job["spec"]["parallelism"]) == (4, 4)


def test_manifest_contains_no_secret(made):
    text = made("logs", *LRS)
    assert "hunter2" not in text
    assert "#   LRS_TOKEN" in text
    with pytest.raises(ConfigurationError, match=r"destination_config\.token would be a secret"):
        made("logs", "--destination_config", '{"url": "https://lrs.example.com/xAPI", "token": "hunter2"}')


def test_pods_get_the_command_as_it_was_given(made, tmp_path):
    words = ["--course", "$(HOME) $$ ${X} 'a' \"b\"\\", "*", "07", "no", "--grace_secs", "45"]
    spec = pod(made("logs", *LRS, *words))
    command = spec["containers"][0]["command"]
    # Kubernetes expands $(NAME), and $$ is one dollar sign.
    passed = [word.replace("$$", "$") for word in command]
    assert passed[passed.index("--course") + 1 :][:4] == [words[1], "*", "07", "no"]
    assert passed[-5:] == ["--run", "april 1", "--join", "--termination_log", "/dev/termination-log"]
    assert passed[passed.index("--base") + 1] == str(tmp_path)
    assert json.loads(passed[passed.index("--destination_config") + 1])["token"] == "${LRS_TOKEN}"
    assert spec["terminationGracePeriodSeconds"] == 45 + SPARE_SECONDS


def test_local_folders_are_volumes_of_all_pods(made, tmp_path):
    spec = pod(made("logs", *LRS))
    (mount,) = [mount for mount in spec["containers"][0]["volumeMounts"] if "source" in mount["name"]]
    (volume,) = [volume for volume in spec["volumes"] if volume["name"] == mount["name"]]
    assert (tmp_path / "logs").is_relative_to(mount["mountPath"])
    assert volume["persistentVolumeClaim"]["claimName"] == "log-replay-april-1-source"


def test_container_may_do_nothing_that_it_need_not(made):
    spec = pod(made("logs", *LRS))
    assert spec["securityContext"]["runAsNonRoot"]
    assert not spec["automountServiceAccountToken"]
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert container["resources"]["limits"]["memory"]


def test_manifest_is_a_base_of_kustomize(made, tmp_path):
    if not shutil.which("kubectl"):
        pytest.skip("this test needs kubectl: https://kubernetes.io/docs/tasks/tools/")
    (tmp_path / "job.yaml").write_text(made("logs", *LRS))
    (tmp_path / "kustomization.yaml").write_text("resources: [job.yaml]\n")
    shown = subprocess.run(["kubectl", "kustomize", tmp_path], capture_output=True, check=True).stdout
    assert yaml.safe_load(shown) == yaml.safe_load((tmp_path / "job.yaml").read_text())


@pytest.mark.parametrize("objects", [0, 1, 500])
def test_result_in_the_termination_log_is_short(tmp_path, objects):
    report = Report(run="april", stopped="x" * 5000 if objects > 1 else None)
    for number in range(objects):
        unit = Unit(number, SourceObject(f"{number}/{'long ' * 300}"))
        report.begin(unit)
        report.fail_object(unit.object.name, ConfigurationError("damaged " * 300))
    path = tmp_path / "termination-log"
    write_termination_log(path, report)
    assert not path.exists(), "only Kubernetes creates the file"
    path.touch()
    write_termination_log(path, report)
    result = json.loads(path.read_bytes())
    assert path.stat().st_size < 4096
    assert (result["run"], result["complete"], result["failed_objects"]) == ("april", objects == 0, objects)
