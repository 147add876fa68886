"""``python -m tests.tutor.bare_machine FOLDER``: the image's steps, and ``make run``, in bare Debian roots.

It needs root, debootstrap and a network, and takes minutes, so it is no part of ``make test``. The Dockerfile's RUN and
COPY instructions are run with chroot, in one root for each stage; there is no Docker engine in it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.servers import CACHE
from tests.support.tutor_site import TutorSite, built_plugin, tutor_environment

SUITE = "bookworm"
#: What the image python:3-slim has, and what the README asks for besides Debian itself.
PYTHON = ["ca-certificates", "python3", "python3-venv"]
MAKE = [*PYTHON, "git", "make"]


def main(folder: Path) -> None:
    """Run everything, and print what was run."""
    folder.mkdir(parents=True, exist_ok=True)
    bare = folder / "bare"
    if not bare.exists():
        include = ",".join(MAKE)
        run(["debootstrap", "--variant=minbase", f"--include={include}", SUITE, bare])
    make_run(folder, bare)
    image(folder, bare)


def make_run(folder: Path, bare: Path) -> None:
    """Run ``make run`` in a copy of the repository."""
    root = copied(bare, folder / "make-run")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, tracked.split("\0")):
        target = root / "project" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    inside(root, "cd /project && make run >/tmp/statements && wc -l </tmp/statements")


def image(folder: Path, bare: Path) -> None:
    """Run the steps of the rendered Dockerfile, and replay the sample log in the last stage."""
    tutor = tutor_environment("newest")
    site_folder = folder / "site"
    shutil.rmtree(site_folder, ignore_errors=True)
    site_folder.mkdir()
    site = TutorSite(site_folder, tutor, built_plugin(site_folder, tutor))
    site.set_up("log-replay")
    context = site.root / "env/plugins/log-replay/build/log-replay"
    uv = Path(sys.executable).parent / "uv"
    run([uv, "build", "--quiet", "--wheel", "--out-dir", context / "wheels", ROOT])
    stages: dict[str, Path] = {}
    text = (context / "Dockerfile").read_text()
    environment: dict[str, str] = {}
    for instruction in re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text)).splitlines():
        word, _, rest = instruction.strip().partition(" ")
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "last"
            stages[name] = copied(bare, folder / f"stage-{name}")
            # The image python:3-slim has the headers, too.
            headers = "apt-get install -qq --no-install-recommends python3-dev >/dev/null"
            inside(stages[name], f"apt-get update -qq && {headers}")
            environment = {}
        elif word == "ARG" and stages:
            name, _, value = rest.partition("=")
            environment[name] = value.strip('"')
        elif word == "RUN":
            inside(stages[list(stages)[-1]], rest, environment)
        elif word == "COPY" and rest.startswith("--from="):
            stage, source, target = rest.removeprefix("--from=").split()
            shutil.copytree(stages[stage] / source[1:], stages["last"] / target[1:], symlinks=True)
        elif word == "COPY":
            source, target = rest.split()
            shutil.copytree(context / source, stages[list(stages)[-1]] / target[1:])
    sample = "/opt/log-replay/lib/python3.11/site-packages/log_replay/standalone"
    path = "export PATH=/opt/log-replay/bin:$PATH LOG_REPLAY_HOME=/log-replay/home; "
    config = json.dumps({"key": sample, "container": "sample", "prefix": "tracking.log"})
    replay = (
        f"log-replay replay_tracking_logs --transformer_type xapi --source_provider LOCAL --source_config '{config}'"
    )
    for command in (
        "log-replay --version",
        "log-replay load_identities sample",
        f"LOG_REPLAY_RETIRED_USER_SALTS=sample-salt {replay} --destination_provider LOGGER --log_format raw | wc -l",
    ):
        inside(stages["last"], path + command, user="1000:1000")


def copied(bare: Path, target: Path) -> Path:
    """Copy a root. The copy uses this machine's package index and certificates."""
    shutil.rmtree(target, ignore_errors=True)
    run(["cp", "-a", bare, target])
    for name in ("/etc/pip.conf", "/etc/resolv.conf", "/etc/hosts"):
        if Path(name).exists():
            shutil.copy2(name, target / name[1:])
    certificates = target / "etc/ssl/certs/ca-certificates.crt"
    shutil.copy2("/etc/ssl/certs/ca-certificates.crt", certificates)
    return target


def inside(root: Path, command: str, environment: dict[str, str] | None = None, user: str = "0:0") -> None:
    """Run a shell command in a root."""
    kept = {name: value for name, value in os.environ.items()
            if name.upper().endswith("_PROXY") or name.startswith(("PIP_", "SSL_CERT"))}  # fmt: skip
    variables = {**kept, "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", **(environment or {})}
    show(command)
    mounts = f"mount -t proc proc {root}/proc && mount --bind /dev {root}/dev"
    enter = f'{mounts} && exec chroot --userspec={user} {root} sh -e -c "$1"'
    subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-c", enter, "sh", command], env=variables, check=True
    )


def show(command: str) -> None:
    sys.stdout.write(f"$ {command}\n")
    sys.stdout.flush()


def run(command: list) -> None:
    show(" ".join(map(str, command)))
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CACHE / "bare-machine")
