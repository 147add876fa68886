"""Run requests with ``tutor k8s``, on ``kubectl`` alone: a Secret with the request, and a Job of one or more pods."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import time
from typing import TYPE_CHECKING, Any

import click
from tutor import serialize
from tutor.exceptions import TutorError

from tutorlogreplay.job_results import JobStatus, PodResults
from tutorlogreplay.request import DATABASE, command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tutorlogreplay.request import Request

REQUEST_FOLDER = "/log-replay-request"
#: Kubernetes accepts no larger Secret.
_MOST_BYTES = 1_000_000
_POLL_SECONDS = 2.0
_KEPT_SECONDS = 86_400
#: Exit code 2: wrong usage; another attempt would end in the same way.
_WRONG_USAGE = 2
_GRACE_SECONDS = 60
#: The number of lines that are shown of the output of a pod that failed.
_SHOWN_LINES = 10


class KubernetesJobs:
    """Runs requests as Jobs.

    The manifests are those of Tutor's environment, after kustomize: patches of other plugins apply to them.
    """

    def __init__(self, root: str, namespace: str, *, poll_seconds: float = _POLL_SECONDS) -> None:
        self._root = root
        self._namespace = namespace
        self._poll_seconds = poll_seconds

    def run(self, request: Request, parallelism: int = 1) -> int:
        """Run a request and return the worst exit code of its pods."""
        job, _ = self._manifests(request.service)
        name = f"{request.service}-{time.strftime('%Y%m%d%H%M%S')}-{secrets.token_hex(2)}"
        secret = _secret(name, request.files(), job["metadata"])
        _set_up(job, name, parallelism)
        return self._run([secret, job], name, parallelism)

    def prepare_database(self) -> int:
        """Create the database user and the ledger's database."""
        job, secret = self._manifests(DATABASE)
        name = f"{DATABASE}-{time.strftime('%Y%m%d%H%M%S')}-{secrets.token_hex(2)}"
        secret["metadata"]["name"] = name
        _set_up(job, name, 1, arguments=["sh", "-e", "-c", "exec sh /log-replay-database/create.sh"])
        for volume in job["spec"]["template"]["spec"]["volumes"]:
            if volume["name"] == "database":
                volume["secret"]["secretName"] = name
        return self._run([secret, job], name, 1)

    def _manifests(self, service: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the manifest of a service's Job, and that of the database's Secret."""
        manifests = self._kubectl("kustomize", f"{self._root}/env", namespaced=False).split("\n---\n")
        return _find(manifests, "Job", f"{service}-job"), _find(manifests, "Secret", DATABASE)

    def _run(self, manifests: Sequence[dict[str, Any]], name: str, parallelism: int) -> int:
        text = "---\n".join(serialize.dumps(manifest) for manifest in manifests)
        self._kubectl("apply", "--filename", "-", content=text)
        keep = False
        try:
            self._own_secret(name)
            status = self._wait(name, parallelism)
            if status is None:
                keep = True
                return 1
            return self._result(name, status, parallelism)
        finally:
            if not keep:
                self._kubectl("delete", "secret", name, "--ignore-not-found")

    def _own_secret(self, name: str) -> None:
        """Let Kubernetes delete the Secret with the Job."""
        uid = json.loads(self._kubectl("get", "job", name, "--output", "json"))["metadata"]["uid"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid}
        patch = json.dumps({"metadata": {"ownerReferences": [owner]}})
        self._kubectl("patch", "secret", name, "--type", "merge", "--patch", patch)

    def _wait(self, name: str, parallelism: int) -> JobStatus | None:
        """Wait for a condition of the Job that is final. Return None if the user leaves it running."""
        follow = f"kubectl logs --namespace={self._namespace} --follow job/{name}"
        click.echo(f"job {name} runs; its output: {follow}", err=True)
        try:
            return self._final_status(name, parallelism)
        except KeyboardInterrupt:
            self._stop(name)
            return None

    def _final_status(self, name: str, parallelism: int) -> JobStatus:
        shown = ""
        while True:
            status = JobStatus(json.loads(self._kubectl("get", "job", name, "--output", "json")))
            line = status.line(parallelism)
            if line != shown:
                click.echo(line, err=True)
                shown = line
            if status.final:
                return status
            time.sleep(self._poll_seconds)

    def _stop(self, name: str) -> None:
        """Ask whether to leave the Job running, or stop its pods."""
        try:
            stop = click.confirm("\nStop the job? (no: it goes on without this command)", default=False, err=True)
        except click.Abort:
            stop = False
        if stop:
            self._kubectl("patch", "job", name, "--type", "merge", "--patch", '{"spec": {"suspend": true}}')
            click.echo("stopped; the same command with the same --run resumes the run", err=True)
        else:
            click.echo(f"the job goes on: kubectl get job --namespace={self._namespace} {name}", err=True)

    def _result(self, name: str, status: JobStatus, parallelism: int) -> int:
        pods = self._kubectl("get", "pods", "--selector", f"job-name={name}", "--output", "json")
        results = PodResults(json.loads(pods))
        for pod, pod_code in results.failed.items():
            click.echo(f"pod {pod} ended with {pod_code}; its last lines:", err=True)
            click.echo(self._kubectl("logs", pod, f"--tail={_SHOWN_LINES}").rstrip(), err=True)
        if results.counters:
            counted = ", ".join(f"{value:,} {name}" for name, value in results.counters.items())
            click.echo(f"the whole run: {counted}" if parallelism > 1 else counted, err=True)
        code = results.worst_exit_code
        if status.failed and code == 0:
            click.echo(f"the job failed: {status.reason}", err=True)
            return 1
        return code

    def _kubectl(self, *arguments: str, content: str | None = None, namespaced: bool = True) -> str:
        namespace = [f"--namespace={self._namespace}"] if namespaced else []
        try:
            done = subprocess.run(  # noqa: S603 - no shell
                ["kubectl", *arguments, *namespace],  # noqa: S607 - the operator's own
                input=content,
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise TutorError("kubectl is not installed, see https://kubernetes.io/docs/tasks/tools/") from error
        if done.returncode:
            raise TutorError(f"kubectl {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout


def _find(manifests: Sequence[str], kind: str, name: str) -> dict[str, Any]:
    """Return a manifest. The texts of the others are not parsed, which would take most of a command's time."""
    for text in manifests:
        if f"\nkind: {kind}\n" in text and name in text:
            manifest: dict[str, Any] = serialize.load(text)
            if manifest["metadata"]["name"] == name:
                return manifest
    raise TutorError(f"Tutor's environment has no {kind} {name}: run `tutor config save`")


def _secret(name: str, files: dict[str, str], metadata: dict[str, Any]) -> dict[str, Any]:
    data = {file: base64.b64encode(content.encode()).decode() for file, content in files.items()}
    if sum(map(len, data.values())) > _MOST_BYTES:
        raise click.ClickException("the arguments are larger than a Kubernetes Secret can be (1 MB)")
    labels = {key: value for key, value in metadata["labels"].items() if not key.endswith("/component")}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": metadata["namespace"], "labels": labels},
        "type": "Opaque",
        "data": data,
    }


def _set_up(job: dict[str, Any], name: str, parallelism: int, arguments: list[str] | None = None) -> None:
    """Complete the manifest of a Job."""
    job["metadata"]["name"] = name
    job["metadata"]["labels"]["app.kubernetes.io/name"] = name
    # Tutor's own jobs would wait until this one has ended.
    job["metadata"]["labels"].pop("app.kubernetes.io/managed-by", None)
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    pod["containers"][0]["args"] = arguments or ["sh", "-e", "-c", command(REQUEST_FOLDER)]
    pod["terminationGracePeriodSeconds"] = _GRACE_SECONDS
    for volume in pod.get("volumes", []):
        if volume["name"] == "request":
            volume["secret"] = {"secretName": name, "defaultMode": 0o444}
    spec["ttlSecondsAfterFinished"] = _KEPT_SECONDS
    spec["parallelism"] = spec["completions"] = parallelism
    spec["completionMode"] = "Indexed"
    spec["backoffLimitPerIndex"] = 1
    spec["podFailurePolicy"] = {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {
                "action": "FailJob",
                "onExitCodes": {
                    "containerName": pod["containers"][0]["name"],
                    "operator": "In",
                    "values": [_WRONG_USAGE],
                },
            },
            {
                # Complete, but with rejects; or stopped on request.
                "action": "FailIndex",
                "onExitCodes": {
                    "containerName": pod["containers"][0]["name"],
                    "operator": "In",
                    "values": [3],
                },
            },
        ]
    }
