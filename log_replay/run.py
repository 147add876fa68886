"""The only wiring: the whole pipeline on one screen.

source -> lines -> block of statements -> loggers -> batches -> sink
"""

from __future__ import annotations

import time
from contextlib import closing
from itertools import chain, islice
from typing import TYPE_CHECKING

import structlog

from log_replay.errors import ConfigurationError, DamagedObject, LogReplayError, ReadError
from log_replay.filters import check_event_patterns
from log_replay.lines import blocks
from log_replay.logs import LINE_LIMITS, LineLimit, log_statements, settle_statements, statements_to
from log_replay.maker import open_destination, open_maker, open_transformer
from log_replay.records import BlockResult, SkippedObject, SourceObject
from log_replay.report import Report
from log_replay.report.files import RejectsFile
from log_replay.sources import open_source
from log_replay.workers import results_in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from log_replay.options import Options, Place
    from log_replay.records import LineBlock, TransformedEvent
    from log_replay.report.progress import Progress
    from log_replay.sources import Source
    from log_replay.workers import Mark

log = structlog.get_logger(__name__)

#: So many objects are listed before the first is read, so that progress can say how much there is to do.
LISTED_AHEAD = 20_000


#: What ends one object and not the run.
OBJECT_ERRORS = (ReadError, DamagedObject)


class Run:
    """One run: checked when it is made, before anything is read or written; then ``replay`` it once.

    Args:
        options: its configuration.

    Raises:
        ConfigurationError: it cannot work.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.report = Report(over_line_limit=_line_limit(options.max_line_bytes))
        check_event_patterns(options.filters.events, open_transformer(options).names)
        self._source = open_source(options.source.provider, options.source.config)
        self._sink = open_destination(options)
        self._source.check()
        self._sink.check()
        self._rejects = RejectsFile(options.rejects)
        self._batch: list[TransformedEvent] = []
        self._rest_until = 0.0

    def replay(self, progress: Progress) -> Report:
        """Do it and return what was done, with whatever stopped it; nothing is left half-written.

        Raises:
            ConfigurationError: there is nothing to replay, or the loggers cannot be set up.
        """
        started = time.monotonic()
        complete = False
        try:
            objects = _list_ahead(self._source, self.options.source, progress)
            with (
                statements_to(self.options.log_to, self.options.log_format),
                self._rejects,
                closing(results_in_order(self._read(objects), self.options, open_maker, self.options.workers)) as made,
            ):
                for result in made:
                    self._take(result, progress)
                self._deliver()
            complete = True
        except ConfigurationError:
            raise
        except LogReplayError as error:
            self.report.stopped = str(error)
        except KeyboardInterrupt as interrupt:
            self.report.stopped = str(interrupt) or "interrupted"
        finally:
            self.report.count_undelivered(self._batch)
            self._close_sink(complete=complete)
            self.report.seconds = time.monotonic() - started
        return self.report

    def _read(self, objects: Iterable[SourceObject | SkippedObject]) -> Iterator[LineBlock | Mark]:
        """Yield the objects' blocks; each object before its own, and the error behind them if it cannot be read on."""
        for found in objects:
            yield found
            if isinstance(found, SourceObject):
                try:
                    yield from blocks(self._source.read(found), object=found.name)
                except OBJECT_ERRORS as error:
                    yield error

    def _take(self, result: BlockResult | Mark, progress: Progress) -> None:
        match result:
            case BlockResult():
                self._take_block(result)
                progress.advance(result.end_offset, result.counters.lines)
            case SourceObject():
                progress.begin(result)
                self.report.begin_object(result.name)
            case SkippedObject():
                self.report.skipped.append(result)
            case ReadError() | DamagedObject():
                self.report.fail_object(str(result.object), result)
                log.warning(
                    "object not read to its end", object=result.object, offset=result.offset, reason=result.message
                )

    def _take_block(self, result: BlockResult) -> None:
        self.report.count_block(result)
        self._rejects.write(result.rejects)
        log_statements(self.options.transformer_type, result.events, self.report.over_line_limit)
        self._batch += result.events
        while len(self._batch) >= self.options.batch_size:
            self._deliver()

    def _deliver(self) -> None:
        """Deliver one batch, after the rest that is due since the last."""
        batch = self._batch[: self.options.batch_size]
        if not batch:
            return
        time.sleep(max(0.0, self._rest_until - time.monotonic()))
        delivery = self._sink.deliver(batch)
        self.report.count_delivery(batch, delivery)
        self.report.lost_by_loggers += settle_statements(self.options.transformer_type)
        del self._batch[: len(batch)]
        if not self.options.dry_run:
            self._rest_until = time.monotonic() + self.options.sleep_between_batches_secs

    def _close_sink(self, *, complete: bool) -> None:
        try:
            self._sink.close(complete=complete)
        except LogReplayError as error:
            self.report.stopped = self.report.stopped or str(error)


def _line_limit(text: str | None) -> LineLimit | None:
    if text is None:
        return None
    if text in LINE_LIMITS:
        return LineLimit(LINE_LIMITS[text])
    if text.isdecimal() and int(text) > 0:
        return LineLimit(int(text))
    raise ConfigurationError(f"--max_line_bytes {text!r} is neither a number nor one of {', '.join(LINE_LIMITS)}")


def _list_ahead(source: Source, place: Place, progress: Progress) -> Iterator[SourceObject | SkippedObject]:
    """List the source once; the beginning at once, to find out whether there is anything and how much."""
    listing = source.objects()
    ahead = list(islice(listing, LISTED_AHEAD))
    found = [entry for entry in ahead if isinstance(entry, SourceObject)]
    if not found and len(ahead) < LISTED_AHEAD:
        where = " ".join(f"{name}={value!r}" for name, value in place.public.items())
        skipped = [f"{entry.name} ({entry.reason})" for entry in ahead if isinstance(entry, SkippedObject)]
        but = f"; skipped {len(skipped)}: {', '.join(skipped[:3])}" if skipped else ""
        raise ConfigurationError(f"no logs to replay in {place.provider} {where}{but}", hint="check the prefix")
    if len(ahead) < LISTED_AHEAD:
        sizes = [entry.size_bytes for entry in found]
        progress.expect(len(found), None if None in sizes else sum(size or 0 for size in sizes))
    return chain(ahead, listing)
