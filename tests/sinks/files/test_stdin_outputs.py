"""Files of standard input: the same input gives the same names, and no input overwrites the files of another."""

from __future__ import annotations

import io
import json
import sys

import pytest

from tests.support.ledger_runs import replay

__all__ = ["replay"]


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def pipe(replay, out, monkeypatch):
    """Run with this input into the folder ``out``; return its files."""

    def pipe(data: bytes) -> dict[str, bytes]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        config = json.dumps({"key": str(out.parent), "container": "out"})
        report = replay(
            "--source_provider", "STDIN", "--destination_provider", "LOCAL", "--destination_config", config,
            "--batch_size", "20", "--add_external_ids", "no",
        )  # fmt: skip
        assert report.complete
        return {path.name: path.read_bytes() for path in out.glob("xapi_*")}

    return pipe


@pytest.fixture
def halves(sample_log):
    lines = sample_log.splitlines(keepends=True)
    return b"".join(lines[:200]), b"".join(lines[200:])


def listed(out) -> set[str]:
    (run,) = json.loads((out / "manifest.json").read_bytes())["runs"]
    return {output["name"] for output in run["outputs"]}


def test_files_of_other_inputs_are_kept(pipe, halves, out):
    first = pipe(halves[0])
    both = pipe(halves[1])
    assert first.items() < both.items()
    assert listed(out) == set(both)


def test_repeated_input_changes_nothing(pipe, halves, out):
    first = pipe(halves[0])
    pipe(halves[1])
    manifest = (out / "manifest.json").read_bytes()
    assert pipe(halves[0]).items() >= first.items()
    assert (out / "manifest.json").read_bytes() == manifest


def test_input_with_the_same_beginning_overwrites_nothing(pipe, halves, sample_log):
    first = pipe(halves[0])
    assert pipe(sample_log).items() > first.items()
