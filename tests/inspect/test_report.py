"""The report of a dry run, as people and programs read it."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
from pathlib import Path

import pytest

from log_replay.inspect.document import Inspected, inspection
from log_replay.inspect.duration import Measured
from log_replay.inspect.terminal import NOTHING_DONE, inspection_text
from log_replay.ledger import overview
from log_replay.options import read_options
from log_replay.options.arguments import add_arguments
from log_replay.pipeline.run import Replay
from log_replay.report import Report
from log_replay.report.progress import ProgressLog
from log_replay.report.terminal import remarks
from log_replay.report.termination_log import write_termination_log
from tests.support.paths import SAMPLE
from tests.support.runs import Shell

GOLDEN = Path(__file__).parent / "golden"
#: Set this variable to write the expected reports anew; then read them.
WRITE = "LOG_REPLAY_WRITE_GOLDEN"
COLOURS = re.compile(r"\x1b\[[\d;]*m")
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.fixture
def inspected(sample_identities):
    """Return a function that inspects as the short verb does; the times of the run are not those of this machine."""

    def inspect(*arguments: str) -> tuple[dict, list[str]]:
        parser = argparse.ArgumentParser()
        add_arguments(parser, short=True)
        given = vars(parser.parse_args(list(arguments)))
        run = Replay(read_options({**given, "dry_run": True, "log_to": "null"}, short=True))
        report = run.replay(ProgressLog())
        run.profile.cpu_seconds, run.profile.inspection_cpu_seconds = 1.0, 0.5
        document = inspection(Inspected(run.profile, report, run.options, Measured(3.0, 2.0)))
        document["duration"]["cores"] = 2
        return document, list(remarks(report))

    return inspect


def plain(text: str) -> str:
    return COLOURS.sub("", text)


@pytest.mark.parametrize("width", [80, 120, None], ids=lambda width: f"{width} columns" if width else "pipe")
def test_report_of_the_sample_log(inspected, monkeypatch, width):
    monkeypatch.chdir(SAMPLE)
    text = plain(inspection_text(*inspected("tracking.log", "--to", "lrs", "--batch_size", "50"), width=width))
    expected = GOLDEN / f"sample_{width or 'plain'}.txt"
    if os.environ.get(WRITE):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    commands = [line for line in text.splitlines() if line.endswith("\\") or "log-replay" in line]
    assert [line for line in text.splitlines() if len(line) > (width or 100) and line not in commands] == []


def test_terminals_get_colours_and_no_other_controls(inspected, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = inspection_text(*inspected(str(SAMPLE / "tracking.log")), width=100)
    assert COLOURS.search(text)
    assert not CONTROLS.search(plain(text))


def test_a_repeated_dry_run_says_what_its_report_does_not_have(inspected, tmp_path):
    run = (str(SAMPLE / "tracking.log"), "--run", "repeated", "--to", str(tmp_path / "out"))
    first, _ = inspected(*run)
    assert (first["contents"]["lines"], first["validation"]["checked"], first["lines_not_in_report"]) == (389, 250, 0)
    again, said = inspected(*run)
    assert (again["contents"]["lines"], again["validation"], again["lines_not_in_report"]) == (0, None, 389)
    assert "389 lines of this run were read before" in plain(inspection_text(again, said, width=None))


def test_nothing_says_that_a_dry_run_delivered(inspected, tmp_path):
    """The report, the ledger and the termination log say what would be delivered."""
    document, said = inspected(str(SAMPLE / "tracking.log"), "--run", "dry", "--to", str(tmp_path / "out"))
    (run,) = overview.runs()
    shown = overview.as_dict(run)
    assert shown["counters"]["would_be_delivered"] == 250
    termination_log = tmp_path / "termination-log"
    termination_log.touch()
    write_termination_log(termination_log, Report(dry_run=True))
    texts = (json.dumps(document), inspection_text(document, said, width=80), json.dumps(shown["counters"]))
    for text in (*texts, termination_log.read_text()):
        assert "delivered" not in text.replace("would_be_delivered", "")
    assert plain(inspection_text(document, said, width=80)).endswith(f"{NOTHING_DONE}\n")


HOSTILE = "x\n\x1b[2J\x9b31m\u202e[bold]\ud800"


def test_hostile_logs_cannot_change_the_report(inspected, tmp_path, monkeypatch):
    """Names of objects, events and courses come from a log. A report escapes their control characters."""
    line = (SAMPLE / "tracking.log").read_bytes().splitlines()[5]
    event = json.loads(line[line.index(b"{") :])
    course = event["context"]["course_id"]
    events = [
        event | {"name": HOSTILE},
        event | {"context": {**event["context"], "course_id": HOSTILE}},
        event | {"context": {**event["context"], "course_id": [course]}, "time": HOSTILE},
        event | {"time": "9999-12-31T23:59:59Z"},
    ]
    name = "odd\x1b[31m\nname[bold]é.log"
    (tmp_path / name).write_text("".join(json.dumps(found) + "\n" for found in events), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    document, lines = inspected(".")
    for width in (80, None):
        text = plain(inspection_text(document, lines, width=width))
        assert not CONTROLS.search(text)
        assert r"odd\x1b[31m\nname[bold]é.log:" in text
    json.dumps(document)


def test_reports_hold_no_learner_data(inspected, sample_identities):
    document, lines = inspected(str(SAMPLE / "tracking.log"))
    text = json.dumps(document) + inspection_text(document, lines, width=None)
    private = [value for user in sample_identities["users"] for value in (user["username"], user["email"])]
    assert private
    assert [value for value in private if re.search(rf"(?<![\w./]){re.escape(value)}(?![\w./])", text)] == []


def test_workers_change_nothing_in_the_document(shell, tmp_path):
    log = (SAMPLE / "tracking.log").read_bytes()
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("a", "b"):
        (logs / f"{name}.log").write_bytes(log * 5)
    documents = []
    for workers in ("1", "2"):
        written = tmp_path / f"{workers}.json"
        done = shell("inspect", str(logs), "--workers", workers, "--json", str(written))
        assert done.returncode == 0, done.stderr
        documents.append({**json.loads(written.read_text()), "duration": None, "next": None})
    one, two = documents
    assert one == two
    timed = log.count(b'"time": "2026')
    in_a, copy = one["contents"]["repeats"]
    assert (in_a["object"], in_a["of"], in_a["lines"]) == (f"{logs}/a.log", f"{logs}/a.log", 4 * timed)
    assert (copy["of"], copy["whole"], copy["lines"]) == (f"{logs}/a.log", True, 5 * 389)


def test_secrets_are_not_in_the_next_command(inspected, monkeypatch):
    config = json.dumps({"url": "https://lrs.example.com/xAPI", "username": "ada", "password": "hunter2"})
    arguments = [str(SAMPLE / "tracking.log"), "--destination_provider", "LRS", "--destination_config", config]
    document, lines = inspected(*arguments)
    assert document["next"]["variables"] == ["DESTINATION_PASSWORD"]
    assert '"password": "${DESTINATION_PASSWORD}"' in document["next"]["replay"]
    assert "hunter2" not in json.dumps(document) + inspection_text(document, lines, width=None)


def test_a_dry_run_says_what_would_be(shell, tmp_path):
    report, summary = tmp_path / "report.json", tmp_path / "summary.json"
    log = str(SAMPLE / "tracking.log")
    done = shell("replay", log, "--dry_run", "--json", str(report), "--summary", str(summary))
    assert done.returncode == 0, done.stderr
    said = done.stderr.decode()
    assert not re.search(r"(?<!would_be_)delivered", said + report.read_text() + summary.read_text())
    assert said.splitlines()[-1] == NOTHING_DONE
    assert len(done.stdout.splitlines()) == json.loads(report.read_text())["statements"]["count"]


def test_inspect_answers_on_stdout(shell):
    done = shell("inspect", str(SAMPLE / "tracking.log"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines()[-1] == NOTHING_DONE
    assert b"What would come out" in done.stdout
    assert b"What" not in done.stderr


def test_damaged_logs_and_a_wrong_database_are_named(tmp_path):
    log = (SAMPLE / "tracking.log").read_bytes()
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "cut.log.gz").write_bytes(gzip.compress(log)[:-20_000])
    done = Shell(tmp_path / "home")("inspect", str(logs))
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert lines[1] == "1 object could not be read to the end; see below. The figures do not have the rest."
    assert "First check the database" in done.stdout.decode()
    assert lines[-1] == NOTHING_DONE
    assert done.stderr.decode().splitlines()[-1].endswith("run the same command again")
