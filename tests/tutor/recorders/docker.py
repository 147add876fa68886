"""``docker`` for tests: records its arguments, and runs the job of ``docker compose run`` as a process."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path

import yaml

from tests.tutor.recorders import containers
from tests.tutor.recorders.containers import LOADER


def main() -> int:
    arguments = sys.argv[1:]
    containers.record("docker", arguments)
    if arguments[:1] != ["compose"]:
        return 0
    if "ls" in arguments and "json" in arguments:
        sys.stdout.write("[]\n")
        return 0
    if "run" not in arguments:
        return 0
    at = arguments.index("run")
    files = [Path(file) for flag, file in pairwise(arguments[:at]) if flag == "-f"]
    rest = [argument for argument in arguments[at + 1 :] if argument not in {"--rm", "-T"}]
    services = merged(files)
    service = services[rest[0]]
    missing = [name for name in service.get("depends_on", []) if name not in services]
    if missing:
        sys.stderr.write(f"no such service: {missing}\n")
        return 1
    mounts = [mounted(volume, files[0].parent) for volume in service.get("volumes", [])]
    environment = {name: expanded(str(value)) for name, value in service.get("environment", {}).items()}
    containers.record("container", rest[1:], environment=environment, mounts=mounts, image=service["image"])
    return containers.run(service["image"], rest[1:], environment, mounts, service.get("working_dir"))


def merged(files: list[Path]) -> dict:
    """Return the services of compose files, later files over earlier ones."""
    services: dict = {}
    for file in files:
        for name, service in (yaml.load(file.read_text(), LOADER).get("services") or {}).items():
            known = services.setdefault(name, {})
            for key, value in service.items():
                if isinstance(value, dict) and isinstance(known.get(key), dict):
                    known[key] = known[key] | value
                elif isinstance(value, list) and isinstance(known.get(key), list):
                    known[key] = known[key] + value
                else:
                    known[key] = value
    return services


def mounted(volume: str, folder: Path) -> tuple[str, str, bool]:
    """Return a bind mount. Docker creates the source if it does not exist."""
    source, target, *options = expanded(volume).split(":")
    path = (folder / source).resolve()
    if not path.exists():
        path.mkdir(parents=True)
    return str(path), target, "ro" in ",".join(options).split(",")


def expanded(text: str) -> str:
    """Expand a text as compose does. No variable is set."""
    assert not re.search(r"(?<!\$)\$(\$\$)*[A-Za-z{]", text), text
    return text.replace("$$", "$")


if __name__ == "__main__":
    sys.exit(main())
