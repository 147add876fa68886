"""Print the manifest of a Kubernetes Job for ``--kubernetes``: a run that several pods work on."""

from __future__ import annotations

import json
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay import __version__
from log_replay.errors import ConfigurationError
from log_replay.ledger.run_configuration import stored_command
from log_replay.options import OPTIONS
from log_replay.options.arguments import command_words
from log_replay.options.urls import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.options import Options

PODS = 8
#: Time for ending the process after ``--grace_secs``.
SPARE_SECONDS = 10
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_URL = re.compile(r"([a-z0-9]+)://")
_PLAIN = re.compile(r"[A-Za-z0-9_./-][A-Za-z0-9_./:-]*")
#: Texts that YAML may read as a number, a time, a truth value or the beginning of a list.
_OTHER_TYPE = re.compile(r"[-+\d._:eox]+|true|false|yes|no|on|off|y|n|null|~", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")

_JOB = """\
{header}apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  labels: &labels
    app.kubernetes.io/name: log-replay
    app.kubernetes.io/instance: {name}
spec:
{retries}  podFailurePolicy:
    rules:
      # 2: wrong usage, or the run was asked to stop. A repetition would not help.
      - action: FailJob
        onExitCodes: {{ containerName: {container}, operator: In, values: [2] }}
      # A pod that the cluster has moved does not count as failed.
      - action: Ignore
        onPodConditions: [{{ type: DisruptionTarget, status: "True" }}]
  # The log of the pods is deleted with them.
  ttlSecondsAfterFinished: 86400
  template:
    metadata:
      labels: *labels
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
{grace}      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile: {{ type: RuntimeDefault }}
{init_containers}      containers:
        - name: {container}
          image: {image}
          command:
{command}          envFrom:
            - secretRef: {{ name: {secret} }}
          env:
            - {{ name: LOG_REPLAY_HOME, value: /tmp/log-replay }}
{environment}          # One core a pod. The memory does not depend on the size of the logs.
{limits}          volumeMounts:
            - {{ name: tmp, mountPath: /tmp }}
{mounts}      volumes:
        - {{ name: tmp, emptyDir: {{}} }}
{volumes}"""
_LIMITS = """\
          resources:
            requests: {{ cpu: {cpu}, memory: {memory} }}
            limits: {{ memory: 1Gi }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {{ drop: [ALL] }}
"""
_INSTALL = """\
        - name: install
          image: {image}
          command: [sh, -euc, "python -m venv /opt/log-replay && /opt/log-replay/bin/pip install --no-cache-dir \\
            'openedx-log-replay[mysql,postgresql]=={version}'"]
{limits}          volumeMounts:
            - {{ name: tmp, mountPath: /tmp }}
            - {{ name: program, mountPath: /opt/log-replay }}
"""
_HEADER = """\
# {parallelism} pods that work on the run {run}. Made by: log-replay ... --kubernetes --parallelism {parallelism}
#
# Needs: Kubernetes 1.29 or later, and a Secret with the environment of the pods:
#   kubectl create secret generic {name} --from-env-file=log-replay.env
# with lines NAME=VALUE for
{variables}
#
# Run:    kubectl apply --filename job.yaml
# Watch:  kubectl exec job/{name} -- {program} runs watch {run}
# Stop:   kubectl exec job/{name} -- {program} runs stop {run}
# Result: kubectl get pods --selector app.kubernetes.io/instance={name} \\
#           --output jsonpath='{{.items[*].status.containerStatuses[*].state.terminated.message}}'
"""
_RETRIES = """\
  # Each pod ends when the whole run has ended. The number can be changed while the Job runs.
  completionMode: Indexed
  completions: {parallelism}
  parallelism: {parallelism}
  # A pod that ends with 1 can continue: what it has not recorded is done again, by any pod.
  backoffLimitPerIndex: 6
"""
_GRACE = """\
      # More than --grace_secs: the pod finishes its batch before it ends.
      terminationGracePeriodSeconds: {seconds}
"""


@dataclass(frozen=True)
class Job:
    """A Kubernetes Job whose pods run Log Replay. All attributes but the names are lines of YAML.

    Attributes:
        name: its name, and the name of the Secret with the environment of the pods.
        header: the comment before it.
        retries: how often, and in how many pods.
        command: the command of the container.
        image: an image that contains Log Replay. None: each pod installs it at its start.
        python: the version of Python that a pod without such an image has.
        container: the name of the container.
        secret: the name of the Secret, if it is not the name of the Job.
        grace: the time for ending a pod.
        sidecars: more init containers.
        environment: variables of the container.
        mounts: its mounts.
        volumes: the volumes of the pods.
    """

    name: str
    header: str
    retries: str
    command: str
    image: str | None = None
    python: str = f"{sys.version_info.major}.{sys.version_info.minor}"
    container: str = "log-replay"
    secret: str | None = None
    grace: str = ""
    sidecars: str = ""
    environment: str = ""
    mounts: str = ""
    volumes: str = ""

    def manifest(self) -> str:
        """Return the manifest."""
        image = _quoted(self.image or f"python:{self.python}-slim")
        sidecars, mounts, volumes = self.sidecars, self.mounts, self.volumes
        if not self.image:
            comment = "        # An image that contains Log Replay makes this unnecessary.\n"
            sidecars += comment + _INSTALL.format(image=image, version=__version__, limits=limits())
            mounts += "            - { name: program, mountPath: /opt/log-replay }\n"
            volumes += "        - { name: program, emptyDir: {} }\n"
        return _JOB.format(
            name=self.name,
            header=self.header,
            retries=self.retries,
            container=self.container,
            grace=self.grace,
            init_containers=f"      initContainers:\n{sidecars}" if sidecars else "",
            image=image,
            command=self.command,
            secret=self.secret or self.name,
            environment=self.environment,
            limits=limits(),
            mounts=mounts,
            volumes=volumes,
        )


def limits(cpu: str = '"1"', memory: str = "512Mi") -> str:
    """Return the resources of a container, and its restrictions."""
    return _LIMITS.format(cpu=cpu, memory=memory)


def manifest(options: Options) -> str:
    """Return the manifest of a Job that does what a command line says, with ``--join``.

    Raises:
        ConfigurationError: the command line has a secret or a file that a pod would not have.
    """
    command = stored_command(options.given)
    _check(command)
    words = ["replay_tracking_logs", *command_words(command)]
    words += ["--run", str(options.run), "--join"]
    words += ["--termination_log", "/dev/termination-log"]
    program = "log-replay" if options.image else "/opt/log-replay/bin/log-replay"
    name = f"log-replay-{_NOT_IN_NAMES.sub('-', str(options.run).lower()).strip('-')}"[:63].rstrip("-")
    claims = {folder: f"{name}-{side}" for folder, side in _folders(options).items()}
    mounts = [f"            - {{ name: {claim}, mountPath: {_quoted(path)} }}\n" for path, claim in claims.items()]
    volumes = [
        f"        # A folder that all pods see, at the same path as on this machine.\n"
        f"        - {{ name: {claim}, persistentVolumeClaim: {{ claimName: {claim} }} }}\n"
        for claim in claims.values()
    ]
    parallelism = options.parallelism or PODS
    header = _HEADER.format(
        name=name,
        run=options.run,
        parallelism=parallelism,
        program=program,
        variables="\n".join(f"#   {variable}" for variable in _variables(words)),
    )
    return Job(
        name=name,
        header=header,
        retries=_RETRIES.format(parallelism=parallelism),
        command="".join(f"            - {_quoted(_not_expanded(word))}\n" for word in [program, *words]),
        image=options.image,
        grace=_GRACE.format(seconds=round(options.grace_secs) + SPARE_SECONDS),
        mounts="".join(mounts),
        volumes="".join(volumes),
    ).manifest()


def _check(command: Mapping[str, Any]) -> None:
    if command.get("withheld"):
        raise ConfigurationError(
            f"--kubernetes: {', '.join(command['withheld'])} would be a secret in the manifest",
            hint="write ${NAME} for the value; the pods read it from a Secret",
        )
    for name, value in command.items():
        if isinstance(value, str) and value.startswith("@") and OPTIONS[name].config_of:
            reason = f"--kubernetes: pods do not have the file of --{name}"
            raise ConfigurationError(reason, hint="write the JSON itself, with ${NAME} for secrets")


def _folders(options: Options) -> dict[str, str]:
    """Return the local folders that the pods need, with a name for each."""
    folders: dict[str, str] = {}
    for side, place in (("source", options.source), ("destination", options.destination)):
        found = [str(place.config["key"])] if place.provider == "LOCAL" else []
        if place.provider == "PATHS":
            paths = [entry["path"] for entry in place.config["places"] if "path" in entry]
            found = [str(_folder(Path(place.config["base"], path))) for path in paths]
        for number, folder in enumerate(dict.fromkeys(found), 1):
            folders.setdefault(folder, side if number == 1 else f"{side}-{number}")
    return folders


def _folder(path: Path) -> Path:
    """Return a path if it is a folder, otherwise the folder of the file or the pattern."""
    path = path.expanduser()
    while not path.is_dir() and path != path.parent:
        path = path.parent
    return path


def _variables(words: list[str]) -> list[str]:
    """Return the names of the environment variables that the command needs."""
    line = shlex.join(words)
    named = _VARIABLE.findall(line)
    for scheme in dict.fromkeys(_URL.findall(line)):
        if scheme in SCHEMES:
            known = SCHEMES[scheme]
            named += [" or ".join(names) for setting, names in known.variables.items() if setting in known.required]
            if not known.required:
                named += [f"{names[0]} (if it is needed)" for names in known.variables.values()]
    always = [
        "LOG_REPLAY_LEDGER_URL (a database that all pods reach)",
        "LOG_REPLAY_DATABASE_URL (the LMS's database)",
        "LOG_REPLAY_LMS_ROOT_URL",
    ]
    return [*always, *dict.fromkeys(named)]


def _not_expanded(word: str) -> str:
    """Return a word that Kubernetes passes on as it is: it expands $(NAME) and turns two dollar signs into one."""
    return word.replace("$", "$$") if "$$" in word or "$(" in word else word


def _quoted(text: str) -> str:
    """Return a text as a YAML scalar: JSON is YAML."""
    if _PLAIN.fullmatch(text) and not _OTHER_TYPE.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=False)
