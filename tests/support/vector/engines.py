"""Real VRL engines, and a topology that runs events through a composition's transforms."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from vrl_python import VRLRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE = Path(os.environ.get("LOG_REPLAY_TEST_CACHE", "~/.cache/log-replay-tests")).expanduser()
VECTOR_VRL = "vector-vrl==1.0.7"

# vector-vrl returns nested values as JSON strings. The programs tested here return none.
_WORKER = """
import json, sys
from vector_vrl import execute_vrl, validate_vrl
for line in sys.stdin:
    source, events = json.loads(line)
    if events is None:
        answer = str(validate_vrl(source)) * (not validate_vrl(source).success)
    else:
        answers = execute_vrl(source, [json.dumps(event) for event in events])
        answer = [{"failed": a["error"]} if "error" in a and "original" in a else {"event": a} for a in answers]
    print(json.dumps(answer), flush=True)
"""


class ProgramFailed(Exception):
    """A program aborted, or failed at run time."""


class Engine(Protocol):
    """A VRL engine."""

    def run(self, source: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run a program over each event."""

    def check(self, source: str) -> None:
        """Compile a program."""


class VrlPython:
    """``vrl-python``: VRL 0.27."""

    def __init__(self) -> None:
        self._runtimes: dict[str, VRLRuntime] = {}

    def run(self, source: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        runtime = self._runtimes.setdefault(source, VRLRuntime())
        try:
            return [runtime.execute(source, event).processed_event for event in events]
        except RuntimeError as error:
            raise ProgramFailed(str(error)) from None

    def check(self, source: str) -> None:
        diagnostic = VRLRuntime.check_syntax(source)
        assert diagnostic is None, diagnostic.formatted_message


class VectorVrl:
    """``vector-vrl``: VRL 0.35, as in Vector 0.58. It runs in its own process because it needs Python 3.12."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [python, "-c", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def run(self, source: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answers = self._ask(source, events)
        failed = [answer["failed"] for answer in answers if "failed" in answer]
        if failed:
            raise ProgramFailed(failed[0])
        return [answer["event"] for answer in answers]

    def check(self, source: str) -> None:
        assert self._ask(source, None) == ""

    def _ask(self, source: str, events: list[dict[str, Any]] | None) -> Any:
        self._process.stdin.write(json.dumps([source, events]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def vector_vrl_python() -> Path:
    """Return a Python with vector-vrl, which is installed below the cache once; otherwise skip the test."""
    interpreter = _python_312()
    if interpreter is None:
        pytest.skip("vector-vrl needs Python 3.12 or later: put a python3.12 on PATH")
    folder = CACHE / "vector-vrl"
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not (done.is_file() and done.read_text() == VECTOR_VRL):
        try:
            subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True, capture_output=True)
            command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", VECTOR_VRL]
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"cannot install {VECTOR_VRL} (is there a network?): {error}")
        done.write_text(VECTOR_VRL)
    return python


def _python_312() -> Path | None:
    """Find Python 3.12 or later: this one, one on PATH, or one of pyenv's."""
    if sys.version_info >= (3, 12):
        return Path(sys.executable)
    on_path = [shutil.which(f"python3.{minor}") for minor in (12, 13, 14)]
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    installed = sorted(pyenv.glob("3.1[2-9].*/bin/python"))
    for candidate in [*filter(None, on_path), *installed]:
        # pyenv's shims are on PATH even if no version is selected.
        answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            return Path(candidate)
    return None


class Topology:
    """Runs events through the transforms of a composition: remap and route in an engine, dedupe and reduce in Python.

    Args:
        clock: returns the time in seconds; dedupe uses it for the age of an event.
    """

    def __init__(self, config: dict[str, Any], engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.transforms = config["transforms"]
        self.engine = engine
        self._clock = clock
        self._first_seen: dict[str, dict[tuple[Any, ...], float]] = {}

    def run(self, insert_at: str, events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """Return the events of every output downstream of a transform, by output."""
        outputs: dict[str, list[dict[str, Any]]] = {}
        waiting = [(insert_at, events)]
        while waiting:
            name, given = waiting.pop(0)
            for output, events_out in self._transformed(name, given).items():
                outputs.setdefault(output, []).extend(events_out)
                waiting += [
                    (reader, events_out)
                    for reader, transform in self.transforms.items()
                    if events_out and output in transform["inputs"]
                ]
        return outputs

    def _transformed(self, name: str, events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        transform = self.transforms[name]
        if transform["type"] == "remap":
            return {name: self.engine.run(transform["source"], [dict(event) for event in events])}
        if transform["type"] == "route":
            return self._routed(name, transform["route"], events)
        if transform["type"] == "dedupe":
            return {name: self._without_repeats(name, transform, events)}
        assert transform["type"] == "reduce"
        (field,) = transform["merge_strategies"]
        size = transform["max_events"]
        parts = [events[start : start + size] for start in range(0, len(events), size)]
        return {name: [{field: "\n".join(event[field] for event in part)} for part in parts]}

    def _routed(
        self, name: str, routes: dict[str, str], events: list[dict[str, Any]]
    ) -> dict[str, list[dict[str, Any]]]:
        outputs: dict[str, list[dict[str, Any]]] = {f"{name}._unmatched": []}
        matched_by_any = [False] * len(events)
        for route, condition in routes.items():
            answers = self.engine.run(f"._matched = ({condition})", [dict(event) for event in events])
            outputs[f"{name}.{route}"] = [
                event for event, answer in zip(events, answers, strict=True) if answer["_matched"]
            ]
            matched_by_any = [
                before or answer["_matched"] for before, answer in zip(matched_by_any, answers, strict=True)
            ]
        outputs[f"{name}._unmatched"] = [
            event for event, matched in zip(events, matched_by_any, strict=True) if not matched
        ]
        return outputs

    def _without_repeats(
        self, name: str, transform: dict[str, Any], events: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Drop repeats as dedupe does: among the last ``num_events``, and younger than ``max_age_ms``."""
        first_seen = self._first_seen.setdefault(name, {})
        max_age_seconds = transform.get("time_settings", {}).get("max_age_ms", math.inf) / 1000
        passed = []
        for event in events:
            key = tuple(event.get(field) for field in transform["fields"]["match"])
            now = self._clock()
            if key in first_seen and now - first_seen[key] < max_age_seconds:
                continue
            first_seen.pop(key, None)
            first_seen[key] = now
            if len(first_seen) > transform["cache"]["num_events"]:
                del first_seen[next(iter(first_seen))]
            passed.append(event)
        return passed


def condition_holds(engine: Engine, condition: dict[str, str], event: dict[str, Any]) -> bool:
    """Return True if a unit test's condition holds for an event."""
    assert condition["type"] == "vrl"
    # Each condition in vector/tests is a list of assertions. A failed assertion fails the program.
    assert re.match(r"\s*assert(_eq)?!", condition["source"])
    try:
        engine.run(condition["source"], [dict(event)])
    except ProgramFailed:
        return False
    return True
