"""Lost routes that are back are sent what they missed, and nobody else is."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import structlog

from log_replay.pipeline.redelivery import backlog_batches, read_backlog
from log_replay.pipeline.signals import defer_signals
from log_replay.pipeline.transform import open_transform
from log_replay.pipeline.workers import results_in_order
from log_replay.sinks import Routed

if TYPE_CHECKING:
    from log_replay.ledger import Ledger
    from log_replay.options import Options
    from log_replay.pipeline.transform_settings import TransformSettings
    from log_replay.records import BacklogEntry, TransformedEvent
    from log_replay.report import Report
    from log_replay.report.rejects import RejectsFile
    from log_replay.sinks import Sink
    from log_replay.sources import Source

log = structlog.get_logger(__name__)


class Redelivery:
    """Replays what the ledger says that routes missed.

    The batches are those that were sent to the others, made again of the same lines. Nothing of them is logged again.

    Args:
        options: the run's.
        transform_settings: the run's, with the routes as they were when the run began.
        source: the run's.
        sink: the run's.
        ledger: the run's.
        report: the run's.
        rejects: the run's.
    """

    def __init__(  # noqa: PLR0913 - what a run is made of
        self,
        *,
        options: Options,
        transform_settings: TransformSettings,
        source: Source,
        sink: Sink,
        ledger: Ledger,
        report: Report,
        rejects: RejectsFile,
    ) -> None:
        self._options = options
        self._transform_settings = transform_settings
        self._source = source
        self._sink = sink
        self._ledger = ledger
        self._report = report
        self._rejects = rejects

    def replay(self) -> None:
        """Send whatever is missing to the routes that can be sent to; what they still miss then stays in the ledger."""
        owed = self._report.routes_with_backlog
        if not owed or not isinstance(self._sink, Routed):
            return
        routes = self._sink.retry_now() & owed
        if routes:
            log.info("sending routes what they missed", routes=sorted(routes))
        for misses in self._ledger.backlog(routes):
            made = results_in_order(
                read_backlog(self._source, misses, self._ledger.unit),
                self._transform_settings,
                open_transform,
                self._options.workers,
            )
            with closing(made):
                for miss, batch in backlog_batches(made, misses):
                    if not self._sink.available & routes:
                        return
                    if self._sink.available & miss.undelivered.routes.keys():
                        self._deliver(self._sink, miss, batch)

    def _deliver(self, sink: Routed, miss: BacklogEntry, batch: list[TransformedEvent]) -> None:
        with defer_signals():
            delivery = sink.redeliver(batch, miss.undelivered)
            self._report.count_redelivery(miss, batch, delivery)
            self._rejects.write_refusals(delivery.refusals, with_content=self._options.rejects_with_content)
            self._ledger.record_redelivery(self._report, miss, batch, delivery, self._rejects.flush())
        time.sleep(self._options.sleep_between_batches_secs)
