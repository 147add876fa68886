"""No secret is echoed, stands on a command line, in a Job's specification or in what ``docker inspect`` shows."""

from __future__ import annotations

import json

import pytest

from tests.support.tutor_site import needs_kubectl

TYPED = "aws-s3cret"
#: As the guide of Aspects has it, with another secret. There is no such region, so the command ends before it connects.
SEED = [
    "do", "transform-tracking-logs", "--source_provider", "S3", "--source_config",
    (f'{{"key": "aws-key", "secret": "{TYPED}", "region": "bucket-region", "container": "bucket-name", '
     '"prefix":"any-prefix"}'),
    "--destination_provider", "LRS", "--transformer_type", "xapi",
]  # fmt: skip
SECRETS = (
    "LOG_REPLAY_MYSQL_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "OPENEDX_SECRET_KEY",
    "ASPECTS_CLICKHOUSE_VECTOR_PASSWORD",
)


@pytest.mark.parametrize("mode", ["local", "k8s"])
def test_no_secret_is_visible(new_site, mode):
    site = new_site
    if mode == "k8s":
        needs_kubectl()
    config = {**site.config(), "LOG_REPLAY_MYSQL_PASSWORD": site.value("LOG_REPLAY_MYSQL_PASSWORD")}
    secrets = [TYPED, *(str(config[name]) for name in SECRETS)]
    done = site(mode, *SEED)
    assert done.returncode == 2
    assert "bucket-region" in done.stderr
    visible = {"output": done.stdout + done.stderr}
    for program in ("docker", "kubectl", "container", "job"):
        visible[program] = json.dumps(site.recorded(program))
    assert len(site.recorded("container")) == 2  # the database, and the replay
    assert [(where, secret) for where, text in visible.items() for secret in secrets if secret in text] == []
    # Nothing of the request remains.
    assert list(site.objects.glob("secret-*")) == []
    private = site.root / "data" / "log-replay"
    assert private.stat().st_mode & 0o077 == 0
    assert list(private.glob("job/requests/*")) == []
