"""A run whose log is rotated between two units."""

from __future__ import annotations

from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from tests.support.ledger_runs import logs, parsed, replay, source

__all__ = ["logs", "replay", "source"]


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
