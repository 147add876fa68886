"""Send the backlog to the routes that are available again, and to no other route."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import structlog

from log_replay.pipeline.redelivery.backlog import backlog_batches, read_backlog
from log_replay.pipeline.signals import defer_signals
from log_replay.pipeline.transform import open_transform
from log_replay.pipeline.workers import results_in_order
from log_replay.sinks import Routed

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """Redelivers the backlog of a run.

    The lines of each batch are read and transformed again, with the routes as they were when the run began. Their
    statements are not logged again.

    Args:
        options: the options of the run.
        transform_settings: the settings for transforming blocks.
        source: the source.
        sink: the destination.
        ledger: the ledger with the backlog.
        report: the report to count in.
        rejects: the file for dead letters.
    """

    def __init__(  # noqa: PLR0913 - the parts of a run
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
        """Redeliver to the available routes. Statements that are still undelivered stay in the ledger."""
        with_backlog = self._report.routes_with_backlog
        if not with_backlog or not isinstance(self._sink, Routed):
            return
        routes = self._sink.retry_now() & with_backlog
        if routes:
            log.info("redelivering the backlog", routes=sorted(routes))
        for entries in self._ledger.backlog(routes):
            if not self._redeliver(self._sink, entries, routes):
                return

    def _redeliver(self, sink: Routed, entries: Sequence[BacklogEntry], routes: frozenset[str]) -> bool:
        """Redeliver some entries; return False when none of the routes is available any more."""
        results = results_in_order(
            read_backlog(self._source, entries, self._ledger.unit),
            self._transform_settings,
            open_transform,
            self._options.workers,
        )
        with closing(results):
            for entry, batch in backlog_batches(results, entries):
                if not sink.available & routes:
                    return False
                if sink.available & entry.undelivered.routes.keys():
                    self._deliver(sink, entry, batch)
        return True

    def _deliver(self, sink: Routed, entry: BacklogEntry, batch: list[TransformedEvent]) -> None:
        with defer_signals():
            delivery = sink.redeliver(batch, entry.undelivered)
            self._report.count_redelivery(entry, batch, delivery)
            self._rejects.write_refusals(delivery.refusals, with_content=self._options.rejects_with_content)
            self._ledger.record_redelivery(self._report, entry, batch, delivery, self._rejects.flush())
        time.sleep(self._options.sleep_between_batches_secs)
