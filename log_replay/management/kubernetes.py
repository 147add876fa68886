"""Print the manifest of a Kubernetes Job for ``--kubernetes``: a run that several pods work on."""

from __future__ import annotations

import json
import re
import shlex
import sys
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

#: What both containers of a pod have.
_CONTAINER = """\
          resources:
            requests: {{ cpu: "1", memory: 256Mi }}
            limits: {{ memory: 1Gi }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {{ drop: [ALL] }}
          volumeMounts:
            - {{ name: tmp, mountPath: /tmp }}
"""
_MANIFEST = (
    """\
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
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  labels: &labels
    app.kubernetes.io/name: log-replay
    app.kubernetes.io/instance: {name}
spec:
  # Each pod ends when the whole run has ended. The number can be changed while the Job runs.
  completionMode: Indexed
  completions: {parallelism}
  parallelism: {parallelism}
  # A pod that ends with 1 can continue: what it has not recorded is done again, by any pod.
  backoffLimitPerIndex: 6
  podFailurePolicy:
    rules:
      # 2: wrong usage, or the run was asked to stop. A repetition would not help.
      - action: FailJob
        onExitCodes: {{ containerName: log-replay, operator: In, values: [2] }}
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
      # More than --grace_secs: the pod finishes its batch before it ends.
      terminationGracePeriodSeconds: {grace}
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile: {{ type: RuntimeDefault }}
{install}      containers:
        - name: log-replay
          image: {image}
          command:
{command}
          envFrom:
            - secretRef: {{ name: {name} }}
          env:
            - {{ name: LOG_REPLAY_HOME, value: /tmp/log-replay }}
          # One core a pod. The memory does not depend on the size of the logs.
"""
    + _CONTAINER
    + """\
{mounts}      volumes:
        - {{ name: tmp, emptyDir: {{}} }}
{volumes}"""
)
_INSTALL = (
    """\
      initContainers:
        # An image that contains Log Replay (--image) makes this unnecessary.
        - name: install
          image: {image}
          command: [sh, -euc, "python -m venv /opt/log-replay && /opt/log-replay/bin/pip install --no-cache-dir \\
            'openedx-log-replay[mysql,postgresql]=={version}'"]
"""
    + _CONTAINER
    + """\
            - {{ name: program, mountPath: /opt/log-replay }}
"""
)


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
    if not options.image:
        mounts.append("            - { name: program, mountPath: /opt/log-replay }\n")
        volumes.append("        - { name: program, emptyDir: {} }\n")
    image = options.image or f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    return _MANIFEST.format(
        name=name,
        run=options.run,
        parallelism=options.parallelism or PODS,
        grace=round(options.grace_secs) + SPARE_SECONDS,
        image=_quoted(image),
        install="" if options.image else _INSTALL.format(image=_quoted(image), version=__version__),
        program=program,
        command="\n".join(f"            - {_quoted(_not_expanded(word))}" for word in [program, *words]),
        variables="\n".join(f"#   {variable}" for variable in _variables(words)),
        mounts="".join(mounts),
        volumes="".join(volumes),
    )


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
