"""Run a request inside the job's container. It is copied there, and uses the standard library only.

The program runs in this process: its arguments, which can be secrets, are in no list of processes.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """Set up the environment and run the program."""
    request = json.loads((FOLDER / "request.json").read_text("ascii"))
    try:
        run(request)
    finally:
        if request["summary"]:
            report(Path(request["summary"]))


def report(summary: Path) -> None:
    """Write the counters of a summary where Kubernetes looks for them. It takes 4096 bytes."""
    if summary.exists():
        total = json.loads(summary.read_text("utf-8"))["total"]
        Path("/dev/termination-log").write_text(json.dumps({"total": total}), "ascii")


def run(request: dict[str, Any]) -> None:
    """Run the program of a request in this process."""
    os.environ.update(request["environment"])
    for name in ("home", "files"):
        Path(request["state"], name).mkdir(parents=True, exist_ok=True)
    sys.argv = request["arguments"]
    program = request["program"]
    if program.endswith(".py"):
        path = FOLDER / program if (FOLDER / program).exists() else Path(program)
        sys.path[0] = str(path.resolve().parent)
        runpy.run_path(str(path), run_name="__main__")
    else:
        import_module(program).main()


if __name__ == "__main__":  # worker processes import this file as well
    main()
