"""Real VRL engines, and what of Vector's topology stands between two programs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest
from vrl_python import VRLRuntime

CACHE = Path(os.environ.get("LOG_REPLAY_TEST_CACHE", "~/.cache/log-replay-tests")).expanduser()
VECTOR_VRL = "vector-vrl==1.0.7"

# Nested values come back from vector-vrl as JSON strings, which our programs never return.
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
    """A program aborted or failed at run time."""


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
    """``vector-vrl``: VRL 0.35, that of Vector 0.58, in a process of its own as it needs Python 3.12."""

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
    """Return a Python that has vector-vrl, installing it below the cache once, or skip."""
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
    """Find a Python 3.12 or later: this one, on PATH, or among pyenv's."""
    if sys.version_info >= (3, 12):
        return Path(sys.executable)
    on_path = [shutil.which(f"python3.{minor}") for minor in (12, 13, 14)]
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    installed = sorted(pyenv.glob("3.1[2-9].*/bin/python"))
    for candidate in [*filter(None, on_path), *installed]:
        # pyenv's shims are found on PATH even where no version is selected.
        answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            return Path(candidate)
    return None


class Topology:
    """Runs events through the transforms of a composition: remap and route in an engine, dedupe here."""

    def __init__(self, config: dict[str, Any], engine: Engine) -> None:
        self.transforms = config["transforms"]
        self.engine = engine

    def run(self, insert_at: str, events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """Return what every output downstream of a transform gives, by output."""
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
            return {name: _first_of_each(events, transform["fields"]["match"])}
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


def _first_of_each(events: list[dict[str, Any]], match: list[str]) -> list[dict[str, Any]]:
    seen: dict[tuple[Any, ...], dict[str, Any]] = {}
    for event in events:
        seen.setdefault(tuple(event.get(field) for field in match), event)
    return list(seen.values())


def defer_signals(engine: Engine, condition: dict[str, str], event: dict[str, Any]) -> bool:
    """Whether a unit test's condition holds for an event."""
    assert condition["type"] == "vrl"
    # Each of our conditions is a list of assertions, which fail the program.
    assert re.match(r"\s*assert(_eq)?!", condition["source"])
    try:
        engine.run(condition["source"], [dict(event)])
    except ProgramFailed:
        return False
    return True
