"""The pipeline of a run: how its parts are connected.

source -> units -> blocks of lines -> transform -> statement loggers -> batches -> sink -> ledger
"""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import structlog

from log_replay import _speedups
from log_replay.errors import ConfigurationError, DamagedObject, LogReplayError, ReadError
from log_replay.events.filters import check_event_patterns, option_checks
from log_replay.ledger.factory import open_ledger
from log_replay.pipeline.destination import line_limit, open_destination, open_tracking
from log_replay.pipeline.limit import Examples, StatementLimit
from log_replay.pipeline.memory import memory_kept
from log_replay.pipeline.output_paths import check_output_paths
from log_replay.pipeline.plan.heads import head_reader
from log_replay.pipeline.plan.listing import plan_run
from log_replay.pipeline.plan.read_ahead import ReadAhead, units_ahead
from log_replay.pipeline.plan.units import read_unit
from log_replay.pipeline.redelivery import Redelivery
from log_replay.pipeline.signals import defer_signals
from log_replay.pipeline.transform import open_transform
from log_replay.pipeline.transform_settings import transform_settings
from log_replay.pipeline.workers import WorkerDied, results_in_order
from log_replay.records import BlockResult, LineBlock, SkippedObject, Unit
from log_replay.report import Report
from log_replay.report.rejects import RejectsFile
from log_replay.sinks import ObjectSink
from log_replay.sinks.discard import Discard
from log_replay.sources import open_source
from log_replay.sources.listing import EMPTY
from log_replay.statement_log import flush_statements, log_statements, statements_to

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from log_replay.inspect import BlockObserver
    from log_replay.inspect.profile import Profile
    from log_replay.options import Options
    from log_replay.pipeline.workers import Mark
    from log_replay.records import Delivery, TransformedEvent
    from log_replay.report.progress import Progress
    from log_replay.sinks import Sink
    from log_replay.sources import Source

log = structlog.get_logger(__name__)

#: Errors that end the reading of one object, and not the run.
OBJECT_ERRORS = (ReadError, DamagedObject)


class Replay:
    """One run. Its configuration is checked when the object is created, before anything is read or written.

    Args:
        options: the configuration.
        sink: replaces the destination of the options.
        source: replaces the source of the options.
        observers: see each unit and the result of each block, in their order.

    Raises:
        ConfigurationError: the configuration cannot work.
    """

    def __init__(
        self,
        options: Options,
        sink: Sink | None = None,
        source: Source | None = None,
        observers: Sequence[BlockObserver] = (),
    ) -> None:
        check_output_paths(options)
        self.options = options
        self.report = self._new_report()
        self._source = source or open_source(
            options.source.provider, options.source.config, skip_unreadable=options.skip_unreadable
        )
        self._observers = observers
        self._sink = sink or open_destination(options, log_events=self._log)
        self._object_sink = self._sink if isinstance(self._sink, ObjectSink) else None
        #: The figures of a dry run's report.
        self.profile = _new_profile() if options.dry_run and sink is None else None
        # The routes are read once, here: workers and redelivery receive them with these settings.
        self._transform_settings = transform_settings(options, self._sink.routing, profile=self.profile is not None)
        check_event_patterns(options.filters.events, self._transform_settings.transformer.names)
        self._tracking = open_tracking(options)
        self._source.check()
        self._sink.check()
        if self._tracking:
            self._tracking.check()
        self._ledger = open_ledger(options, head_reader(self._source, options.source.provider))
        self.report.run = self._ledger.name
        self._rejects = RejectsFile(None)
        self._unit: Unit | None = None
        self._batch: list[TransformedEvent] = []
        self._only_logs = self._ledger.name is None and isinstance(self._sink, Discard) and not self._pause_seconds
        self._complete = False
        self._next_batch_at = 0.0
        self._limit = StatementLimit(options.limit) if options.limit else None
        self._examples = Examples(options.examples) if options.examples else None

    def replay(self, progress: Progress) -> Report:
        """Replay once, and return the report, even if the run is stopped by an error or a signal.

        Raises:
            ConfigurationError: there is nothing to replay, or the loggers cannot be set up.
        """
        started = time.monotonic()
        with self._ledger, memory_kept():
            try:
                self._replay(progress)
            except ConfigurationError as error:
                self._ledger.stop(str(error))
                raise
            except LogReplayError as error:
                self.report.stopped = str(error)
            except KeyboardInterrupt as interrupt:
                self.report.stopped = str(interrupt) or "interrupted"
            finally:
                self._end()
        self.report.run = self._ledger.name if self._ledger.is_stored else None
        self.report.seconds = time.monotonic() - started
        for name, equations in self.report.imbalances.items():
            log.error("the counters do not add up: report this defect", object=name, equations="; ".join(equations))
        return self.report

    def _new_report(self) -> Report:
        return Report(
            over_line_limit=line_limit(self.options.max_line_bytes),
            c_extension=_speedups.classify_lines is not None,
            dry_run=self.options.dry_run,
            bounded=self.options.dry_run and self.options.run is None,
            filters=tuple(option_checks(self.options.filters)),
        )

    def _replay(self, progress: Progress) -> None:
        planned = plan_run(self._source, self.options, progress)
        with (
            statements_to(self.options.log_to, self.options.log_format, timeout_seconds=self.options.log_timeout_secs),
            RejectsFile(
                self.options.rejects, run=self._ledger.name, kept_bytes=self._ledger.rejects_bytes
            ) as self._rejects,
            closing(self._read(self._ledger.units(planned, self.report))) as items,
            closing(self._results(items)) as results,
        ):
            self._sink.resume_from(self._ledger.acknowledgements)
            for result in results:
                self._take(result, progress)
            self._deliver()
            self._flush_loggers()
            self._redeliver_backlog()
            self._rejects.flush()
        if self._limit and self._limit.reached:
            self.report.limit = self._limit.limit
        self._finish_objects()
        self._complete = True

    def _results(self, items: Iterable[LineBlock | Mark]) -> Generator[BlockResult | Mark]:
        if self._limit:
            return results_in_order(items, self._transform_settings, self._limit.limited(open_transform), workers=1)
        return results_in_order(items, self._transform_settings, open_transform, self.options.workers)

    def _read(self, units: Iterable[Unit | SkippedObject]) -> Generator[LineBlock | Mark]:
        """Yield each unit, then its blocks, then the error if the rest of the unit cannot be read."""
        with (
            ReadAhead(partial(read_unit, self._source), units_ahead(self.options)) as ahead,
            closing(ahead.units(units)) as units_with_blocks,
        ):
            for unit, blocks in units_with_blocks:
                yield unit
                try:
                    for block in blocks:
                        self._store_tracking(unit, block)
                        yield block
                        if self._limit and self._limit.reached:
                            return
                except OBJECT_ERRORS as error:
                    yield error

    def _store_tracking(self, unit: Unit | SkippedObject, block: LineBlock | Mark) -> None:
        if not self._tracking or not isinstance(unit, Unit) or not isinstance(block, LineBlock):
            return
        if block.end_offset > unit.counted_to:
            self._tracking.store(block)

    def _take(self, result: BlockResult | Mark, progress: Progress) -> None:
        match result:
            case BlockResult():
                self._take_block(result)
                progress.advance(result.end_offset, result.counters.lines)
            case Unit():
                self._begin(result, progress)
            case SkippedObject():
                self.report.skip(result)
            case WorkerDied():
                self._skip_lines(result)
            case ReadError() | DamagedObject():
                self.report.fail_object(str(result.object), result)
                self._ledger.fail(result)
                log.warning(
                    "object not read to its end", object=result.object, offset=result.offset, reason=result.message
                )

    def _skip_lines(self, error: WorkerDied) -> None:
        """Continue after lines that no worker could transform. Resuming the run tries them again."""
        self.report.fail_object(str(error.object), error)
        log.error("lines skipped", object=error.object, offset=error.begin, end=error.end, reason=error.message)
        if self._ledger.name is None:
            self._rejects.write(error.rejects)
        if self._unit:
            self._unit = self._ledger.split(self._unit, error)
            self.report.begin(self._unit)
            self._ledger.begin(self._unit)

    def _begin(self, unit: Unit, progress: Progress) -> None:
        last = self._unit
        is_new_object = last is None or last.object != unit.object
        if (last and last.group != unit.group) or (is_new_object and self._object_sink):
            self._deliver()
        if is_new_object:
            progress.begin(unit.object)
        if self.profile:
            self.profile.begin(unit.object, unit.group)
        for observer in self._observers:
            observer.begin(unit)
        self._unit = unit
        self.report.begin(unit)
        self._ledger.begin(unit)

    def _take_block(self, result: BlockResult) -> None:
        counted_before = self._unit is not None and result.end_offset <= self._unit.counted_to
        with defer_signals():  # a statement that is counted is either in the batch or counted as failed
            if counted_before:
                self.report.count_again(result)
            else:
                self.report.count_block(result)
                if self.profile:
                    self.profile.add(result)
                for observer in self._observers:
                    observer.add(result)
            if self._only_logs:
                self.report.count_failed(result.counters.statements)
            else:
                self._batch += result.events
        if not counted_before:
            self._rejects.write(result.rejects, result.rejected_lines)
            if self.options.missing_from is None:
                self._log(result.events)
        if self._only_logs:
            with defer_signals():
                self.report.count_logged(result.counters.statements)
        while len(self._batch) >= self.options.batch_size:
            self._deliver()

    @property
    def _pause_seconds(self) -> float:
        return 0.0 if self.options.dry_run else self.options.sleep_between_batches_secs

    def _log(self, events: Sequence[TransformedEvent]) -> None:
        shown = self._examples.among(events) if self._examples else events
        log_statements(self.options.transformer_type, shown, self.report.over_line_limit)

    def _flush_loggers(self) -> None:
        self.report.lost_by_loggers += flush_statements(self.options.transformer_type)

    def _deliver(self) -> None:
        """Deliver one batch, after the pause since the last one, and record it."""
        batch = self._batch[: self.options.batch_size]
        if not batch:
            return
        time.sleep(max(0.0, self._next_batch_at - time.monotonic()))
        self._ledger.check()
        with defer_signals():
            delivery = self._sink.deliver(batch)
            self.report.count_delivery(batch, delivery)
            del self._batch[: len(batch)]
            self._write_refusals(delivery)
            if self._ledger.name:  # before progress is recorded, listeners must have received the statements
                self._flush_loggers()
            self._ledger.acknowledge(self.report, batch, delivery, self._batch, self._rejects.flush())
        self._next_batch_at = time.monotonic() + self._pause_seconds

    def _write_refusals(self, delivery: Delivery) -> None:
        refusals = list(delivery.refusals)
        if delivery.undelivered and self._ledger.name is None:
            refusals += delivery.undelivered.refusals  # there is no backlog to redeliver them from
        self._rejects.write_refusals(refusals, with_content=self.options.rejects_with_content)

    def _redeliver_backlog(self) -> None:
        """Send the backlog to routes that are available again."""
        Redelivery(
            options=self.options,
            transform_settings=self._transform_settings,
            source=self._source,
            sink=self._sink,
            ledger=self._ledger,
            report=self.report,
            rejects=self._rejects,
        ).replay()

    def _finish_objects(self) -> None:
        if self._object_sink:
            failed = self.report.failed_objects
            replaced = {
                name: name not in failed and not counters.all_rejected for name, counters in self.report.objects.items()
            }
            empty = {skipped.name: True for skipped in self.report.skipped if skipped.reason == EMPTY}
            self._object_sink.finish_objects({**replaced, **empty})

    def _end(self) -> None:
        """Finish the run, or leave it so that it can be resumed."""
        self.report.count_undelivered(self._batch)
        try:
            with defer_signals():
                if self._tracking:
                    self._tracking.close()
                self._sink.close(complete=self._complete)
                if self._complete:
                    self._ledger.finish(self.report, self._rejects.flush())
        except LogReplayError as error:
            self.report.stopped = self.report.stopped or str(error)
        except KeyboardInterrupt as interrupt:
            self.report.stopped = self.report.stopped or str(interrupt)
        if self.report.stopped:
            self._ledger.stop(self.report.stopped)


def _new_profile() -> Profile:
    from log_replay.inspect.profile import Profile  # noqa: PLC0415 - only for dry runs

    return Profile()
