"""``kubectl`` for tests: records its arguments, keeps the objects as files, and runs a Job's pods as processes."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import yaml

from tests.tutor.recorders import containers

INDEX = "batch.kubernetes.io/job-completion-index"


def main() -> int:
    arguments = sys.argv[1:]
    containers.record("kubectl", arguments)
    objects = Path(containers.settings()["objects"])
    words = [argument for argument in arguments if not argument.startswith("--namespace")]
    if words[0] == "run-job":
        run_job(objects, words[1])
        return 0
    if words[0] == "kustomize":
        return subprocess.run([containers.settings()["kubectl"], *words], check=False).returncode
    if words[0] == "apply":
        for manifest in yaml.load_all(sys.stdin.read(), containers.LOADER):
            apply(objects, manifest)
    elif words[0] == "get" and words[1] == "job":
        sys.stdout.write((objects / f"job-{words[2]}.json").read_text())
    elif words[0] == "get" and words[1] == "pods":
        name = words[words.index("--selector") + 1].removeprefix("job-name=")
        pods = [json.loads(file.read_text()) for file in sorted(objects.glob(f"pod-{name}-*.json"))]
        sys.stdout.write(json.dumps({"items": pods}))
    elif words[0] == "logs":
        sys.stdout.write((objects / f"output-{words[1]}").read_text(errors="replace"))
    elif words[0] == "patch":
        path = objects / f"{words[1]}-{words[2]}.json"
        patched = json.loads(path.read_text())
        for key, value in json.loads(words[words.index("--patch") + 1]).items():
            patched.setdefault(key, {}).update(value)
        path.write_text(json.dumps(patched))
    elif words[0] == "delete":
        (objects / f"{words[1]}-{words[2]}.json").unlink(missing_ok=True)
    return 0


def apply(objects: Path, manifest: dict) -> None:
    kind, name = manifest["kind"].lower(), manifest["metadata"]["name"]
    manifest["metadata"]["uid"] = str(uuid.uuid4())
    path = objects / f"{kind}-{name}.json"
    path.write_text(json.dumps(manifest))
    containers.record(kind, [name], manifest=manifest)
    if kind == "job" and containers.settings().get("background"):
        subprocess.Popen(
            [sys.argv[0], "run-job", name], start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    elif kind == "job":
        run_job(objects, name)


def run_job(objects: Path, name: str) -> None:
    """Run the pods of a Job at the same time, and set its conditions."""
    path = objects / f"job-{name}.json"
    manifest = json.loads(path.read_text())
    with ThreadPoolExecutor(max_workers=16) as pool:
        pods = range(manifest["spec"].get("completions", 1))
        codes = list(pool.map(partial(run_pod, objects, manifest), pods))
    failed = sum(code != 0 for code in codes)
    condition = {"type": "Failed" if failed else "Complete", "status": "True", "reason": "FailedIndexes"}
    manifest["status"] = {"succeeded": len(codes) - failed, "failed": failed, "conditions": [condition]}
    path.write_text(json.dumps(manifest))


def run_pod(objects: Path, job: dict, index: int) -> int:
    """Run the pod of an index and return its exit code."""
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    work = Path(tempfile.mkdtemp(dir=objects))
    environment = {variable["name"]: variable["value"] for variable in container.get("env", [])}
    if job["spec"].get("completionMode") == "Indexed":
        environment["JOB_COMPLETION_INDEX"] = str(index)
    mounts = []
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        source = volume_folder(objects, work, volumes[mount["name"]])
        if source:
            mounts.append((str(source), mount["mountPath"].rstrip("/"), bool(mount.get("readOnly"))))
    termination = work / "termination-log"
    termination.touch()
    mounts.append((str(termination), "/dev/termination-log", False))
    command = [expanded(text, environment) for text in [*container.get("command", []), *container["args"]]]
    containers.record("container", command, environment=environment, mounts=mounts, image=container["image"])
    name = f"{job['metadata']['name']}-{index}"
    with (objects / f"output-{name}").open("wb") as output:
        code = containers.run(
            container["image"], command, environment, mounts, container.get("workingDir"),
            stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    message = termination.read_bytes()[:4096].decode(errors="replace")
    status = {"exitCode": code, "message": message}
    manifest = {
        "metadata": {
            "name": name,
            "annotations": {INDEX: str(index)},
            "creationTimestamp": datetime.now(UTC).isoformat(),
        },
        "status": {"containerStatuses": [{"name": container["name"], "state": {"terminated": status}}]},
    }
    (objects / f"pod-{name}.json").write_text(json.dumps(manifest))
    return code


def volume_folder(objects: Path, work: Path, volume: dict) -> Path | None:
    """Return a folder with the content of a volume."""
    folder = work / volume["name"]
    if "secret" in volume:
        secret = json.loads((objects / f"secret-{volume['secret']['secretName']}.json").read_text())
        folder.mkdir()
        for name, content in secret.get("data", {}).items():
            (folder / name).write_bytes(base64.b64decode(content))
        for name, content in secret.get("stringData", {}).items():
            (folder / name).write_text(content)
        return folder
    if "persistentVolumeClaim" in volume:
        return Path(containers.settings()["claims"][volume["persistentVolumeClaim"]["claimName"]])
    if "emptyDir" in volume:
        if volume["name"] == "tmp":
            return None
        folder.mkdir()
        folder.chmod(0o777)
        return folder
    shutil.rmtree(folder, ignore_errors=True)  # a ConfigMap, which no program of these tests reads
    folder.mkdir()
    return folder


def expanded(text: str, environment: dict[str, str]) -> str:
    """Expand an argument as Kubernetes does: $(NAME) of the environment, and $$ for $."""
    return re.sub(
        r"\$\$|\$\(([A-Za-z0-9_.-]+)\)",
        lambda found: "$" if found[0] == "$$" else environment.get(found[1], found[0]),
        text,
    )


if __name__ == "__main__":
    sys.exit(main())
