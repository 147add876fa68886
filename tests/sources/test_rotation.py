"""A run whose log is rotated between two units."""

from __future__ import annotations

import shutil

import pytest

from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.storage.local import same_version
from tests.support.ledger_runs import interrupted, into_files, logs, parsed, replay, source

__all__ = ["interrupted", "into_files", "logs", "replay", "source"]


class Rotating(ProgressLog):
    """Rotate a log when the first lines have been read."""

    def __init__(self, log, new: bytes) -> None:
        super().__init__()
        self.log, self.new = log, new

    def advance(self, offset: int, lines: int) -> None:
        super().advance(offset, lines)
        if self.new:
            self.log.rename(self.log.with_name("rotated"))
            self.log.write_bytes(self.new)
            self.new = b""


def test_log_that_is_rotated_between_two_units_fails(replay, source, logs):
    (logs / "b.log").unlink()
    text = (logs / "a.log").read_bytes()
    options = parsed(*source, "--destination_provider", "LOGGER", "--log_to", "null", "--unit_size", "50KB")
    report = Replay(options).replay(Rotating(logs / "a.log", text + text))
    assert "replaced by another file after it was listed" in report.failed_objects["a.log"]
    assert not report.complete


def test_run_is_resumed_after_its_logs_were_restored(replay, interrupted, into_files, logs):
    interrupted(*into_files, "--run", "x")
    for path in list(logs.iterdir()):
        shutil.copy2(path, logs.parent / "copy")
        path.unlink()
        shutil.copy2(logs.parent / "copy", path)
    assert replay(*into_files, "--unit_size", "50KB", "--run", "x").complete


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("17.3", "17.3", True), ("17.3", "17.4", True), ("17.3", "18.3", False), (None, "17.3", True),
        ("abc.1", "abc.2", False), ("abc", "abc", True), ("17", "17.3", False),
    ],
)  # fmt: skip
def test_files_with_the_same_time_have_the_same_version(one, other, same):
    assert same_version(one, other) is same
