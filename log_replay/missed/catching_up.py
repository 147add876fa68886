"""Lost routes that are back are sent what they missed, and nobody else is."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import structlog

from log_replay.interrupts import held
from log_replay.maker import open_maker
from log_replay.missed import missed_batches, read_missed
from log_replay.sinks import Routed
from log_replay.workers import results_in_order

if TYPE_CHECKING:
    from log_replay.ledger import Ledger
    from log_replay.options import Options
    from log_replay.records import Miss, TransformedEvent
    from log_replay.report import Report
    from log_replay.report.files import RejectsFile
    from log_replay.sinks import Sink
    from log_replay.sources import Source

log = structlog.get_logger(__name__)


class CatchingUp:
    """Replays what the ledger says that routes missed.

    The batches are those that were sent to the others, made again of the same lines. Nothing of them is logged again.

    Args:
        options: the run's.
        source: the run's.
        sink: the run's.
        ledger: the run's.
        report: the run's.
        rejects: the run's.
    """

    def __init__(  # noqa: PLR0913 - what a run is made of
        self, *, options: Options, source: Source, sink: Sink, ledger: Ledger, report: Report, rejects: RejectsFile
    ) -> None:
        self._options = options
        self._source = source
        self._sink = sink
        self._ledger = ledger
        self._report = report
        self._rejects = rejects

    def replay(self) -> None:
        """Send whatever is missing to the routes that can be sent to; what they still miss then stays in the ledger."""
        owed = self._report.owed
        if not owed or not isinstance(self._sink, Routed):
            return
        routes = self._sink.try_again() & owed
        if routes:
            log.info("sending routes what they missed", routes=sorted(routes))
        for misses in self._ledger.misses(routes):
            made = results_in_order(
                read_missed(self._source, misses, self._ledger.unit), self._options, open_maker, self._options.workers
            )
            with closing(made):
                for miss, batch in missed_batches(made, misses):
                    if not self._sink.due & routes:
                        return
                    if self._sink.due & miss.missed.routes.keys():
                        self._deliver(self._sink, miss, batch)

    def _deliver(self, sink: Routed, miss: Miss, batch: list[TransformedEvent]) -> None:
        with held():
            delivery = sink.deliver_missed(batch, miss.missed)
            self._report.count_missed(miss, batch, delivery)
            self._rejects.write_refusals(delivery.refusals, with_content=self._options.rejects_with_content)
            self._ledger.catch_up(self._report, miss, batch, delivery, self._rejects.settle())
        time.sleep(self._options.sleep_between_batches_secs)
