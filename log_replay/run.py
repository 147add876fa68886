"""The only wiring: the whole pipeline on one screen.

source -> lines -> block of statements -> loggers -> batches -> sink
"""

from __future__ import annotations

import time
from itertools import chain, islice
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from log_replay.errors import ConfigurationError, DamagedObject, LogReplayError, ReadError
from log_replay.filters import check_event_patterns
from log_replay.lines import blocks
from log_replay.lms.database import DatabaseLookup, lms_models
from log_replay.lms.directory import Directory
from log_replay.logs import LINE_LIMITS, LineLimit, log_statements, settle_statements, statements_to
from log_replay.records import SkippedObject, SourceObject
from log_replay.report import Report
from log_replay.report.files import RejectsFile
from log_replay.sinks import open_sink
from log_replay.sinks.discard import Discard
from log_replay.sources import open_source
from log_replay.statements.block import transform_block
from log_replay.statements.upstream import UpstreamTransformer, identities_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.options import Options, Place
    from log_replay.records import LineBlock, TransformedEvent
    from log_replay.report.progress import Progress
    from log_replay.sinks import Sink
    from log_replay.sources import Source

log = structlog.get_logger(__name__)

#: So many objects are listed before the first is read, so that progress can say how much there is to do.
LISTED_AHEAD = 20_000


#: What ends one object and not the run.
OBJECT_ERRORS = (ReadError, DamagedObject)
#: Settings of XAPI_AGENT_IFI_TYPE by which statements name users by their email addresses.
MAIL_IFI_TYPES = frozenset({"mbox", "mbox_sha1sum"})


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
        self._transformer = UpstreamTransformer(options.transformer_type)
        check_event_patterns(options.filters.events, self._transformer.names)
        self._directory = _open_directory(options)
        self._source = open_source(options.source.provider, options.source.config)
        self._sink = _open_sink(options)
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
                identities_answer(self._directory),
                self._rejects,
            ):
                for found in objects:
                    self._replay_object(found, progress)
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

    def _replay_object(self, found: SourceObject | SkippedObject, progress: Progress) -> None:
        if isinstance(found, SkippedObject):
            self.report.skipped.append(found)
            return
        progress.begin(found)
        self.report.begin_object(found.name)
        try:
            for block in blocks(self._source.read(found), object=found.name):
                self._replay_block(block)
                progress.advance(block.end_offset, len(block.lines))
        except OBJECT_ERRORS as error:
            self.report.fail_object(found.name, error)
            log.warning("object not read to its end", object=found.name, offset=error.offset, reason=error.message)
        progress.end()

    def _replay_block(self, block: LineBlock) -> None:
        result = transform_block(
            block,
            filters=self.options.filters,
            directory=self._directory,
            transformer=self._transformer,
            routes=self._sink.routes,
        )
        self.report.count_block(result)
        self._rejects.write(result.rejects)
        for event in result.events:
            self._batch.append(event)
        log_statements(self.options.transformer_type, result.events, self.report.over_line_limit)
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


def _open_sink(options: Options) -> Sink:
    if options.dry_run:
        return Discard()
    return open_sink(
        options.destination.provider,
        options.destination.config,
        transformer_type=options.transformer_type,
        key=options.key,
        lrs_urls=options.lrs_urls,
    )


def _open_directory(options: Options) -> Directory:
    lookup = DatabaseLookup(lms_models(), options.transformer_type, add=options.add_external_ids)
    by_mail = options.transformer_type == "xapi" and settings.XAPI_AGENT_IFI_TYPE in MAIL_IFI_TYPES
    return Directory(lookup, external_ids=not by_mail)


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
