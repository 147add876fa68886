"""Kubernetes Jobs with Vector in ``vector/deploy``, made by the code that prints the manifest of ``--kubernetes``."""

from __future__ import annotations

from pathlib import Path

from log_replay.management.kubernetes import Job, limits

FOLDER = Path(__file__).resolve().parents[2] / "vector" / "deploy"

#: Independent of the Python that makes the recipes.
_PYTHON = "3.12"
_RETRIES = """\
  # A repeat is safe: statements keep their ids.
  backoffLimit: 2
"""
_ENVIRONMENT = """\
            - { name: LOG_REPLAY_LMS_ROOT_URL, value: https://lms.example.com }
"""
_ENVIRONMENT_OF_PODS = """\
#   kubectl create secret generic log-replay --from-env-file=log-replay.env
# with lines NAME=VALUE for LOG_REPLAY_DATABASE_URL, SOURCE_KEY and SOURCE_SECRET.
"""
_SOURCE = """\
--source_provider S3 --source_config '{"key": "${SOURCE_KEY}", "secret": "${SOURCE_SECRET}",
                  "region": "us-east-1", "container": "tracking-logs", "prefix": "tracking"}' \\
"""

_AGENT = Job(
    name="log-replay-logged",
    secret="log-replay",  # noqa: S106 - the name of a Secret
    container="lms-job",
    header=f"""\
# A Kubernetes Job for a cluster in which a Vector agent already reads the pods' output, as with Aspects installed.
#
# Aspects' agent reads the containers of its own namespace with certain names, such as `lms-job`, and accepts the LMS's
# own line. This is the reason for the container's name and the format. An agent with sources/kubernetes.yaml finds the
# pod by its label. The pauses give the agent time to find the pod and to read its last lines.
#
# Needs: in the namespace of Open edX
{_ENVIRONMENT_OF_PODS}# Set the addresses of the LMS and the logs below.
#
# Run: kubectl apply --namespace openedx --filename vector/deploy/kubernetes-agent.yaml
#      kubectl logs --namespace openedx --follow job/log-replay-logged | grep --invert-match xapi_tracking
""",
    retries=_RETRIES,
    python=_PYTHON,
    environment=_ENVIRONMENT,
    command=f"""\
            - sh
            - -euc
            - |
              # By default an agent looks for new pods once a minute.
              sleep 70
              ended=0
              /opt/log-replay/bin/log-replay transform_tracking_logs --transformer_type xapi --dry_run \\
                {_SOURCE}                --log_to stdout --log_format aspects --max_line_bytes kubernetes || ended=$?
              sleep 60
              exit $ended
""",
)

_SIDECAR = Job(
    name="log-replay",
    header=f"""\
# A Kubernetes Job that replays logs from S3, with Vector as a native sidecar that stores the statements in ClickHouse.
#
# The replay ends when Vector has read everything over the socket. Then Kubernetes stops the sidecar, which stores what
# is left before it ends. No statement depends on a log file that an agent has to find. The sidecar exits with 78 and
# is started again while ClickHouse is down or its password is wrong; the replay starts when the sidecar listens.
# Compare the table with the logs afterwards, because Vector drops what ClickHouse refuses: see "A pipe" in
# vector/README.md.
#
# If the replay does not start, read the log of the sidecar: kubectl logs job/log-replay --container vector
#
# Needs: Kubernetes 1.29 or later (native sidecars), and in its namespace:
#   kubectl create configmap log-replay-vector --from-file=vector/sources/socket.yaml \\
#     --from-file=vector/transforms/statements.yaml --from-file=vector/sinks/clickhouse.yaml \\
#     --from-file=vector/sinks/dead-letter.yaml
#   kubectl create secret generic log-replay-vector --from-file=clickhouse_password
{_ENVIRONMENT_OF_PODS}# Set the addresses of ClickHouse, the LMS and the logs below.
#
# The volume keeps dead-letter.jsonl, and the statements that were not stored before the pod was stopped; the Vector of
# the next job stores them.
#
# Run: kubectl apply --filename vector/deploy/kubernetes-sidecar.yaml
#      kubectl logs --follow job/log-replay --container log-replay
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: log-replay-vector
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 2Gi
---
""",
    retries=_RETRIES,
    python=_PYTHON,
    grace="""\
      # Time for Vector to store what is left.
      terminationGracePeriodSeconds: 600
""",
    sidecars=f"""\
        - name: vector
          image: timberio/vector:0.57.0-alpine
          restartPolicy: Always
          args:
            - --graceful-shutdown-limit-secs=86400
            - --config=/etc/log-replay/socket.yaml
            - --config=/etc/log-replay/statements.yaml
            - --config=/etc/log-replay/clickhouse.yaml
            - --config=/etc/log-replay/dead-letter.yaml
          env:
            - {{ name: VECTOR_DANGEROUSLY_ALLOW_ENV_VAR_INTERPOLATION, value: "true" }}
            - {{ name: VECTOR_REQUIRE_HEALTHY, value: "true" }}
            - {{ name: LOG_REPLAY_KINDS, value: xapi }}
            - {{ name: LOG_REPLAY_SECRETS_DIR, value: /etc/log-replay-secrets }}
            - {{ name: CLICKHOUSE_ENDPOINT, value: http://clickhouse:8123 }}
            - {{ name: CLICKHOUSE_USER, value: default }}
          # An exec probe, because the socket listens on loopback only.
          startupProbe:
            exec: {{ command: [nc, -z, 127.0.0.1, "9009"] }}
            periodSeconds: 2
            failureThreshold: 300
{limits("500m", "256Mi")}          volumeMounts:
            - {{ name: tmp, mountPath: /tmp }}
            - {{ name: vector-config, mountPath: /etc/log-replay, readOnly: true }}
            - {{ name: vector-secrets, mountPath: /etc/log-replay-secrets, readOnly: true }}
            - {{ name: vector-data, mountPath: /var/lib/vector }}
""",
    environment=_ENVIRONMENT,
    command=f"""\
            - sh
            - -euc
            - |
              exec /opt/log-replay/bin/log-replay transform_tracking_logs --transformer_type xapi --dry_run \\
                {_SOURCE}                --log_to tcp://127.0.0.1:9009 --log_format json
""",
    volumes="""\
        - name: vector-config
          configMap: { name: log-replay-vector }
        - name: vector-secrets
          secret:
            secretName: log-replay-vector
            items:
              - { key: clickhouse_password, path: clickhouse_password }
        - name: vector-data
          persistentVolumeClaim: { claimName: log-replay-vector }
""",
)


def recipes() -> dict[Path, str]:
    """Return the recipes by the paths of their files."""
    jobs = {"kubernetes-agent": _AGENT, "kubernetes-sidecar": _SIDECAR}
    return {FOLDER / f"{name}.yaml": job.manifest() for name, job in jobs.items()}
