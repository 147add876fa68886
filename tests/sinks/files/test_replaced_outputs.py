"""Runs into files that are repeated after the source has changed: no statement is lost or doubled."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from structlog.testing import capture_logs

from log_replay.identities.lms_tables import ExternalId
from tests.support.ledger_runs import logs, replay, source

__all__ = ["logs", "replay", "source"]


@pytest.fixture
def out(logs):
    return logs.parent / "out"


@pytest.fixture
def run(replay, source, out):
    """Run into the folder ``out``; the same command each time."""

    def run(*arguments: str, **config):
        destination = json.dumps({"key": str(out.parent), "container": "out", **config})
        return replay(
            *source, "--destination_provider", "LOCAL", "--destination_config", destination, "--batch_size", "20",
            "--add_external_ids", "no", *arguments,
        )  # fmt: skip

    return run


def lines(out: Path) -> list[bytes]:
    """Return all statements in the folder."""
    files = sorted(path for path in out.rglob("*") if path.is_file() and path.name != "manifest.json")
    return sorted(line for path in files for line in path.read_bytes().splitlines())


def listed(out: Path) -> set[str]:
    """Return the files that the manifest lists."""
    (run,) = json.loads((out / "manifest.json").read_bytes())["runs"]
    return {output["name"] for output in run["outputs"]}


def files(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} - {"manifest.json"}


@pytest.fixture
def expected(run, out):
    """The statements of the logs, from a run into an empty folder."""
    run()
    found = lines(out)
    for path in out.iterdir():
        path.unlink()
    return found


@pytest.mark.parametrize("new", [b"", b'{"name": "page_close"}\n'], ids=["empty", "unknown events"])
@pytest.mark.parametrize("layout", [{}, {"prefix": "a/b"}])
def test_run_after_rotation_gives_each_statement_once(run, expected, logs, out, new, layout):
    run(**layout)
    (logs / "b.log").rename(logs / "b.log.1")
    (logs / "b.log").write_bytes(new)
    report = run(**layout)
    assert report.complete
    assert lines(out) == expected


def test_run_after_rotation_removes_stale_rows_of_aspects(run, logs, out):
    run("--layout", "aspects")
    assert files(out)
    (logs / "a.log").write_bytes(b"")
    (logs / "b.log").write_bytes(b'{"name": "page_close"}\n')
    run("--layout", "aspects")
    assert files(out) == set()


def test_files_of_an_object_do_not_depend_on_other_objects(run, expected, logs, out):
    run()
    before = {path.name: path.stat().st_size for path in out.glob("xapi_*")}
    (logs / "0.log").write_bytes((logs / "a.log").read_bytes()[:20_000])
    run()
    after = {path.name: path.stat().st_size for path in out.glob("xapi_*")}
    assert before.items() < after.items()
    assert listed(out) == files(out)


def test_another_size_of_units_gives_each_statement_once(run, expected, out):
    run()
    before = files(out)
    run("--unit_size", "50KB")
    assert lines(out) == expected
    assert listed(out) == files(out) != before


def test_files_are_kept_if_the_database_knows_no_user(run, expected, out):
    run()
    ExternalId.objects.all().delete()
    get_user_model().objects.all().delete()
    with capture_logs() as messages:
        run()
    assert lines(out) == expected
    assert listed(out) == files(out)
    assert any("all of its events were rejected" in message["event"] for message in messages)


def test_mended_object_gives_each_statement_once(run, expected, logs, out):
    whole = gzip.compress((logs / "b.log").read_bytes())
    (logs / "b.log").write_bytes(whole[: len(whole) // 2])
    report = run()
    assert list(report.failed_objects) == ["b.log"]
    assert 0 < len(lines(out)) < len(expected)
    (logs / "b.log").write_bytes(whole)
    run()
    assert lines(out) == expected
    assert listed(out) == files(out)


def test_object_that_cannot_be_read_keeps_its_files(run, logs, out):
    run()
    before = files(out)
    whole = gzip.compress((logs / "b.log").read_bytes())
    (logs / "b.log").write_bytes(whole[: len(whole) // 2])
    run()
    assert listed(out) == files(out) == before


def test_files_of_an_object_that_is_gone_are_kept_and_reported(run, expected, logs, out):
    run()
    (logs / "b.log").unlink()
    with capture_logs() as messages:
        run()
    assert lines(out) == expected
    assert listed(out) == files(out)
    assert any("no longer in the source" in message["event"] for message in messages)


def test_manifest_does_not_list_files_that_were_deleted(run, logs, out):
    run()
    (logs / "b.log").unlink()
    run()
    (logs / "a.log").unlink()
    (logs / "c.log").write_bytes(b'{"name": "page_close"}\n')
    for path in list(out.glob("xapi_*"))[:3]:
        path.unlink()
    run()
    assert listed(out) == files(out) != set()


def test_stale_file_that_cannot_be_deleted_is_reported(run, logs, out, monkeypatch):
    run()
    (logs / "b.log").write_bytes(b'{"name": "page_close"}\n')

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with capture_logs() as messages:
        report = run()
    assert report.complete
    assert any(message["event"] == "stale file not removed" for message in messages)
    monkeypatch.undo()
    run()
    assert listed(out) == files(out)


def test_files_of_an_interrupted_run_are_replaced(run, expected, logs, out):
    run()
    (out / "manifest.json").unlink()
    (logs / "b.log").write_bytes(b'{"name": "page_close"}\n')
    run()
    assert listed(out) == files(out)
    assert 0 < len(lines(out)) < len(expected)


def test_manifest_names_the_object_of_each_file(run, logs, out):
    run()
    (entry,) = json.loads((out / "manifest.json").read_bytes())["runs"]
    assert {output["object"] for output in entry["outputs"]} == {"a.log", "b.log"}
    for output in entry["outputs"]:
        text = (logs / output["object"]).read_bytes()
        assert all((b"\n" + text)[output[end] : output[end] + 1] == b"\n" for end in ("first", "last"))
