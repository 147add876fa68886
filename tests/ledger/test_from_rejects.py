"""``--from_rejects`` replays rejected lines, for example after the reason is fixed."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from log_replay.errors import ConfigurationError
from tests.support.ledger_runs import parsed

UNKNOWN_USER = "unknown_user"


@pytest.fixture
def logged(tmp_path):
    """The arguments that log statements to a file, and a function that reads the file."""
    path = tmp_path / "logged"

    def to(name: str) -> list[str]:
        return ["--destination_provider", "LOGGER", "--log_to", f"file:{path}-{name}", "--log_format", "raw"]

    def lines(name: str) -> list[bytes]:
        found = path.with_name(f"logged-{name}")
        return found.read_bytes().splitlines() if found.exists() else []

    to.lines = lines
    return to


@pytest.fixture
def unknown_users(logs):
    """Every third event belongs to an unknown user. The second log is compressed."""
    for path in sorted(logs.iterdir()):
        lines = path.read_bytes().splitlines(keepends=True)
        lines[::3] = [line.replace(b'"username": "', b'"username": "%b' % UNKNOWN_USER.encode()) for line in lines[::3]]
        path.write_bytes(b"".join(lines))
    (logs / "b.log.gz").write_bytes(gzip.compress((logs / "b.log").read_bytes()))
    (logs / "b.log").unlink()


@pytest.mark.usefixtures("unknown_users")
def test_only_the_rejected_lines_are_replayed(replay, source, logged, tmp_path):
    rejects, again = tmp_path / "rejects", tmp_path / "again"
    first = replay(*source, *logged("first"), "--rejects", str(rejects))
    assert first.rejects > 20
    second = replay(*source, *logged("second"), "--from_rejects", str(rejects), "--rejects", str(again))
    assert second.total.lines == first.rejects
    assert second.rejects_by_reason == first.rejects_by_reason
    assert again.read_bytes() == rejects.read_bytes()
    assert not logged.lines("second")


def test_replayed_rejects_give_the_missing_statements(replay, source, logged, tmp_path):
    from django.contrib.auth import get_user_model

    rejects = tmp_path / "rejects"
    replay(*source, *logged("all"))
    users = get_user_model().objects
    user = users.order_by("id").values("id", "username").first()
    users.filter(pk=user["id"]).update(username=UNKNOWN_USER, id=9999)
    before = replay(*source, *logged("before"), "--rejects", str(rejects))
    users.filter(pk=9999).update(**user)
    after = replay(*source, *logged("after"), "--from_rejects", str(rejects))
    assert before.rejects > after.rejects
    assert sorted(logged.lines("before") + logged.lines("after")) == sorted(logged.lines("all"))


def test_files_have_other_names_than_those_of_the_first_run(replay, into_files, logs, tmp_path):
    rejects = tmp_path / "rejects"
    entries = [{"object": "a.log", "offset": 0}, {"object": "b.log", "offset": 0}]
    rejects.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    assert parsed(*into_files).key != parsed(*into_files, "--from_rejects", str(rejects)).key
    report = replay(*into_files, "--from_rejects", str(rejects), "--run", "again")
    assert {name: counters.lines for name, counters in report.objects.items()} == {"a.log": 1, "b.log": 1}
    rejects.write_text(json.dumps(entries[0]))
    with pytest.raises(ConfigurationError, match="from_rejects was"):
        replay(*into_files, "--from_rejects", str(rejects), "--run", "again")


def test_missing_lines_are_rejects(replay, source, tmp_path):
    rejects = tmp_path / "rejects"
    rejects.write_text('{"object": "a.log", "offset": 0}\n{"object": "a.log", "offset": 7}\n')
    report = replay(*source, "--dry_run", "--log_to", "null", "--from_rejects", str(rejects))
    assert report.rejects_by_reason["no_such_line"] == 1
    assert report.total.lines == 2
    assert report.total.balanced


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "has no entries"),
        ("nonsense\n", "line 1 is not an entry"),
        ('{"object": "a.log", "offset": 0}\n{"object": "a.log"}\n', "line 2 is not an entry"),
        ('{"object": "a.log", "offset": -1}\n', "line 1 is not an entry"),
        ('{"object": "a.log", "offset": true}\n', "line 1 is not an entry"),
        ('{"object": "c.log", "offset": 0}\n', "the source has no c.log"),
    ],
)
def test_invalid_rejects_file_is_a_usage_error(replay, source, tmp_path, content, said):
    rejects = tmp_path / "rejects"
    rejects.write_text(content)
    with pytest.raises(ConfigurationError, match=said):
        replay(*source, "--dry_run", "--log_to", "null", "--from_rejects", str(rejects))


def test_unreadable_rejects_file_is_a_usage_error(replay, source, tmp_path):
    with pytest.raises(ConfigurationError, match="No such file"):
        replay(*source, "--dry_run", "--from_rejects", str(tmp_path / "none"))


def test_content_of_lines_is_written_only_if_requested(replay, source, logs, tmp_path):
    (logs / "c.log").write_bytes(b"\xff nonsense\n")
    rejects = tmp_path / "rejects"
    replay(*source, "--dry_run", "--log_to", "null", "--rejects", str(rejects))
    assert all({"line", "line_base64"}.isdisjoint(json.loads(line)) for line in rejects.read_text().splitlines())
    replay(*source, "--dry_run", "--log_to", "null", "--rejects", str(rejects), "--rejects_with_content")
    for entry in map(json.loads, rejects.read_text().splitlines()):
        line = (logs / entry["object"]).read_bytes()[entry["offset"] :].split(b"\n")[0]
        given = entry["line"].encode() if "line" in entry else base64.b64decode(entry["line_base64"])
        assert given == line
    assert rejects.stat().st_mode & 0o077 == 0


def test_content_without_a_rejects_file_is_a_usage_error(replay, source):
    with pytest.raises(ConfigurationError, match="no effect without --rejects"):
        replay(*source, "--dry_run", "--rejects_with_content")
