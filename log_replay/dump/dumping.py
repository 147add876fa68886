"""The only wiring of a dump: pages of objects -> those to dump -> rows -> ClickHouse."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import structlog
from django.db import DatabaseError, InterfaceError

from log_replay.dump.delivery import EventSink
from log_replay.dump.objects import COURSES, find_object_type
from log_replay.dump.pages import pages
from log_replay.errors import ConfigurationError, IdentityError, LogReplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from django.db.models import Model

    from log_replay.dump import ObjectType, Row
    from log_replay.dump.options import DumpOptions
    from log_replay.retry import RetryPolicy

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class DumpReport:
    """What a dump came to; ``last_pk`` is where the next one goes on, ``stopped`` why this one ended early."""

    dumped: int = 0
    skipped: int = 0
    failed: int = 0
    last_pk: str | None = None
    stopped: str | None = None


class Dump:
    """One dump: checked when it is made, before any object is read; then ``dump`` it once.

    Args:
        options: its configuration.
        retry_policy: how often to try again what may pass.

    Raises:
        ConfigurationError: it cannot work.
    """

    def __init__(self, options: DumpOptions, retry_policy: RetryPolicy | None = None) -> None:
        self.options = options
        self.report = DumpReport()
        self._type = find_object_type(options.object)
        if self._type is None:
            return
        self._keys = _read_keys(options, self._type)
        self._sink = EventSink(options.connection, options.database, retry_policy)
        try:
            for table, columns in self._type.tables:
                self._sink.prepare(table, columns, create=options.create_tables)
        except LogReplayError as error:
            self._sink.close()
            raise ConfigurationError(str(error)) from error

    @property
    def enabled(self) -> bool:
        """Whether this site lets the object be dumped at all."""
        return self._type is not None

    def dump(self) -> DumpReport:
        """Do it and return what was done, with whatever stopped it."""
        if self._type is None:
            return self.report
        try:
            self._dump_pages(self._type)
        except LogReplayError as error:
            self.report.stopped = str(error)
        except KeyboardInterrupt as interrupt:
            self.report.stopped = str(interrupt) or "interrupted"
        finally:
            self._sink.close()
        return self.report

    def _dump_pages(self, kind: ObjectType) -> None:
        if kind.name == COURSES and not kind.nested:
            log.warning("course_blocks are not dumped: only platform-plugin-aspects inside an LMS can read them")
        report, limit, rest_until = self.report, self.options.limit, 0.0
        after, only, _ = self._keys
        for page in pages(kind.queryset(), after=after, only=only, page_size=self.options.batch_size):
            chosen = self._chosen(kind, page)
            allowed = len(chosen) if limit is None else limit - report.dumped
            last = page[-1] if len(chosen) <= allowed else chosen[allowed - 1]
            chosen = chosen[:allowed]
            if chosen:
                time.sleep(max(0.0, rest_until - time.monotonic()))
                self._deliver(kind, chosen)
                rest_until = time.monotonic() + self.options.sleep_time
            report.last_pk = str(last.pk)
            log.info("dumped", object=kind.name, dumped=report.dumped, skipped=report.skipped, last_pk=report.last_pk)
            if report.dumped == limit:
                return

    def _chosen(self, kind: ObjectType, page: Sequence[Model]) -> list[Model]:
        """Return those of a page that have to be dumped."""
        wanted = [found for found in page if str(found.pk) not in self._keys.without]
        if kind.modified_column and not self.options.force:
            known = self._sink.last_dumped(kind.table, kind.key_column, [str(found.pk) for found in wanted])
            wanted = [
                found for found in wanted if _is_due(getattr(found, kind.modified_column), known.get(str(found.pk)))
            ]
        self.report.skipped += len(page) - len(wanted)
        return wanted

    def _deliver(self, kind: ObjectType, objects: Sequence[Model]) -> None:
        """Deliver objects, what is nested in them first: once an object is there, it counts as dumped."""
        rows = [row for pk, row in self._made(kind, objects) if self._deliver_nested(kind, pk, row)]
        self._sink.insert(kind.table, kind.columns, rows)
        self.report.dumped += len(rows)

    def _made(self, kind: ObjectType, objects: Sequence[Model]) -> list[tuple[str, Row]]:
        """Make the rows of objects; one by one where that fails, so that one object does not cost the others."""
        try:
            rows = _attempt(partial(kind.rows, objects))
        except _CannotMake as error:
            if len(objects) == 1:
                self._fail(kind, str(objects[0].pk), error)
                return []
            return [row for found in objects for row in self._made(kind, [found])]
        return [(str(found.pk), row) for found, row in zip(objects, rows, strict=True)]

    def _deliver_nested(self, kind: ObjectType, pk: str, row: Row) -> bool:
        """Deliver what is nested in an object; say whether that went well."""
        for nested in kind.nested:
            try:
                rows = _attempt(partial(nested.rows, row))
            except _CannotMake as error:
                self._fail(kind, pk, error)
                return False
            self._sink.insert(nested.table, nested.columns, rows)
        return True

    def _fail(self, kind: ObjectType, pk: str, error: _CannotMake) -> None:
        self.report.failed += 1
        log.error("not dumped", object=kind.name, pk=pk, reason=str(error))


class _CannotMake(Exception):
    """The LMS cannot say what is to be dumped of an object."""


class _Keys(NamedTuple):
    after: Any | None
    only: list[Any]
    without: frozenset[str]


def _read_keys(options: DumpOptions, kind: ObjectType) -> _Keys:
    def read(option: str, text: str) -> Any:
        try:
            return kind.read_pk(text)
        except ValueError:
            raise ConfigurationError(f"--{option} {text!r} is no primary key of {kind.name}") from None

    return _Keys(
        after=None if options.start_pk is None else read("start_pk", options.start_pk),
        only=[read("ids", key) for key in options.ids],
        without=frozenset(str(read("ids_to_skip", key)) for key in options.ids_to_skip),
    )


def _is_due(modified: datetime | None, dumped: datetime | None) -> bool:
    """Say whether to dump an object: it was never dumped, or it was modified since."""
    return dumped is None or (modified is not None and dumped < modified)


def _attempt(make: Callable[[], T]) -> T:
    try:
        return make()
    except (DatabaseError, InterfaceError) as error:
        raise IdentityError(type(error).__name__, operation="read", object="the LMS's database") from error
    except Exception as error:  # the LMS's own code: a damaged course raises anything
        # Its message may hold what it was about; its type tells enough.
        raise _CannotMake(type(error).__name__) from error
