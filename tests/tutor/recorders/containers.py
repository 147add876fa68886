"""Run a container's command for real: in a mount namespace, with its volumes at their paths and its environment.

The root of the "container" has all folders of this machine, so that the programs of its image are those that
``recorder.json`` names for the image.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

#: The loader in C takes a tenth of the time.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Prepares the root in a new mount namespace and runs the command there. Its arguments are one JSON text.
INSIDE = r"""
import json, os, subprocess, sys
how = json.loads(sys.argv[1])
root = how["root"]
def mount(*arguments): subprocess.run(["mount", *arguments], check=True)
mount("--make-rprivate", "/")
mount("-t", "tmpfs", "tmpfs", root)
def bind(source, target, read_only=False):
    path = root + target
    if os.path.isdir(source):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "a").close()
    mount("--rbind", source, path)
    if read_only:
        mount("-o", "remount,bind,ro", path)
own = {target.split("/")[1] for _, target, _ in how["mounts"]} | {"dev"}
for name in os.listdir("/"):
    path = "/" + name
    if name in own:
        continue
    if os.path.islink(path):
        os.symlink(os.readlink(path), root + path)
    else:
        bind(path, path)
for name in ("null", "zero", "urandom", "random", "shm", "tty"):
    if os.path.exists("/dev/" + name):
        bind("/dev/" + name, "/dev/" + name)
os.symlink("/proc/self/fd", root + "/dev/fd")
for source, target, read_only in sorted(how["mounts"], key=lambda mounted: mounted[1]):
    bind(source, target, read_only)
os.chroot(root)
os.makedirs(how["folder"], exist_ok=True)
os.chdir(how["folder"])
os.execvpe(how["command"][0], how["command"], how["environment"])
"""


def settings() -> dict:
    """Return the settings of the recorders, which are beside them."""
    return json.loads((Path(sys.argv[0]).parent / "recorder.json").read_text())


def record(program: str, arguments: list[str], **more) -> None:
    """Add a line to the log of the recorders."""
    line = json.dumps({"program": program, "arguments": arguments, **more}) + "\n"
    log = os.open(settings()["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, line.encode())  # in one piece: pods run at the same time
    os.close(log)


def run(image: str, command: list[str], environment: dict[str, str], mounts: list, folder: str | None, **how) -> int:
    """Run a command in a container and return its exit code.

    ``mounts`` has tuples of a path on this machine, a path in the container, and whether it is read-only.
    """
    programs = next(programs for name, programs in settings()["images"].items() if name in image)
    root = settings()["root"]
    request = {
        "root": root,
        "command": command,
        "mounts": [*mounts, *programs.get("mounts", [])],
        "folder": folder or programs.get("folder") or "/tmp",
        "environment": {
            "PATH": f"{programs['path']}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/tmp",
            "LANG": "C.UTF-8",
            **programs.get("environment", {}),
            **environment,
        },
    }
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    return subprocess.run([*unshare, sys.executable, "-c", INSIDE, json.dumps(request)], check=False, **how).returncode


def can_run() -> bool:
    """Return True if this machine can make mount namespaces."""
    if not shutil.which("unshare"):
        return False
    test = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    test += ["sh", "-c", "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(test, check=False, capture_output=True).returncode == 0
