"""One process of a run that several processes work on, with ``--join``."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import closing
from typing import TYPE_CHECKING, cast

import structlog

from log_replay.errors import DeliveryError, IdentitiesNotResponding, LogReplayError
from log_replay.ledger.clock import steady_seconds
from log_replay.ledger.database import TakenOver
from log_replay.ledger.joined.claims import ClaimLost
from log_replay.ledger.reconnecting import RETRY_SECONDS
from log_replay.pipeline.plan.listing import plan_run
from log_replay.pipeline.run import Replay
from log_replay.records import BlockResult
from log_replay.report.rejects import RejectsFile
from log_replay.statement_log import statements_to

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from log_replay.ledger.joined import JoinedLedger
    from log_replay.pipeline.workers import Mark
    from log_replay.records import LineBlock, Unit
    from log_replay.report.progress import Progress

log = structlog.get_logger(__name__)


class JoinedReplay(Replay):
    """Replays the groups of units that this process claims, and waits until all groups of the run are done.

    While a group is replayed, ``report`` is the report of that group. In the end it is the report of the whole run, so
    all processes show the same summary. One of them finishes the run.

    The arguments are those of ``Replay``, with ``--join`` in the options.
    """

    #: When the LMS's database ceased to answer; None while it answers.
    _identities_lost_at: float | None = None

    @property
    def _joined(self) -> JoinedLedger:
        return cast("JoinedLedger", self._ledger)

    def _replay(self, progress: Progress) -> None:
        self._joined.join(lambda: plan_run(self._source, self.options, progress))
        path = self._joined.rejects_path = _of_this_process(self.options.rejects)
        with (
            statements_to(self.options.log_to, self.options.log_format, timeout_seconds=self.options.log_timeout_secs),
            RejectsFile(path, run=self._joined.name) as self._rejects,
        ):
            ended = False
            while not ended:
                while self._joined.wait_for_group():
                    self._replay_groups(progress)
                ended = not self._joined.finishing or self._finish()

    def _replay_groups(self, progress: Progress) -> None:
        """Replay the claimed group, and further ones until none is free or a claim is lost."""
        try:
            with closing(self._read_groups()) as items, closing(self._results(items)) as results:
                for result in results:
                    self._joined.check()
                    self._take(result, progress)
                    if isinstance(result, BlockResult):
                        self._identities_lost_at = None
                self._end_group()
        except ClaimLost as lost:
            self._abandon(lost)
        except IdentitiesNotResponding as error:
            self._abandon(error)
            self._check_retries(error)
        except DeliveryError:
            try:
                self._joined.check()
            except ClaimLost as lost:  # another process works on the group, so the delivery may fail
                self._abandon(lost)
            else:
                raise

    def _read_groups(self) -> Generator[LineBlock | Mark]:
        for units in self._joined.groups():
            yield from self._read(units)

    def _abandon(self, error: LogReplayError) -> None:
        log.warning("giving up the claim on a part of the logs", reason=error.message)
        self._batch.clear()
        self._unit = None
        self._joined.abandon()

    def _check_retries(self, error: IdentitiesNotResponding) -> None:
        """Raise the error if the LMS's database has not answered for long."""
        now = steady_seconds()
        self._identities_lost_at = self._identities_lost_at or now
        if now - self._identities_lost_at > RETRY_SECONDS:
            raise error

    def _begin(self, unit: Unit, progress: Progress) -> None:
        if self._unit is None or self._unit.group != unit.group:
            self._end_group()
            self.report = self._new_report()
            self._joined.open_group(unit.group, self.report, self._rejects.flush())
        super()._begin(unit, progress)

    def _end_group(self) -> None:
        """Deliver the last batch of a group, and record that the group is done."""
        if self._unit is None:
            return
        self._joined.end_units()
        self._deliver()
        self._flush_loggers()
        self._joined.finish_group(self.report, self._rejects.flush())
        self._unit = None

    def _finish(self) -> bool:
        """Do what is done once for the whole run. Return False if it is not done: another process does it, or later."""
        try:
            self.report = self._joined.report_of_all(self._new_report)
            self._joined.begin_to_finish(self._rejects.flush())
            self._sink.resume_from(self._joined.acknowledgements)
            self._redeliver_backlog()
            self._rejects.flush()
            self._joined.check_lease()
        except TakenOver as lost:
            self._joined.leave_end(lost)
            return False
        except IdentitiesNotResponding as error:
            self._check_retries(error)
            return False
        self._finish_objects()
        self._complete = True
        return True

    def _end(self) -> None:
        super()._end()
        if (self._complete and self._joined.finishing) or not self._joined.is_stored:
            return
        try:
            if self._complete and not self.report.stopped:
                self._joined.wait_for_end(self._new_report)
            whole = self._joined.report_of_all(self._new_report, wait=not self.report.stopped)
        except LogReplayError as error:
            # The report is that of the last group. The run has ended, but this process cannot say how.
            log.warning("the summary shows only the part of the logs that this process replayed last")
            self.report.stopped = self.report.stopped or str(error)
        except KeyboardInterrupt as interrupt:
            self.report.stopped = self.report.stopped or str(interrupt) or "interrupted"
        else:
            whole.stopped = self.report.stopped or whole.stopped
            self.report = whole


def _of_this_process(path: Path | None) -> Path | None:
    """Return the name of the rejects file of this process: host, process and four random digits are inserted."""
    if path is None:
        return None
    return path.with_name(f"{path.stem}.{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}{path.suffix}")
