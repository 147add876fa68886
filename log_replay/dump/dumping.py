"""Run a dump: read pages of objects, select those to dump, make their rows, insert the rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import structlog
from django.db import DatabaseError, InterfaceError

from log_replay.databases import database_reason
from log_replay.dump.event_sink import EventSink
from log_replay.dump.object_types import COURSES, find_object_type
from log_replay.dump.pages import pages
from log_replay.errors import ConfigurationError, IdentityError, LogReplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from django.db.models import Model

    from log_replay.dump import DumpRow, ObjectType
    from log_replay.dump.dump_options import DumpOptions
    from log_replay.retry import RetryPolicy

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class DumpReport:
    """The counters of a dump.

    Attributes:
        dumped: objects that were inserted.
        skipped: objects that were not selected, or did not change since their last dump.
        failed: objects whose rows could not be made.
        last_pk: the primary key to give to the next dump as ``--start_pk``.
        stopped: why the dump ended early; None if it did not.
    """

    dumped: int = 0
    skipped: int = 0
    failed: int = 0
    last_pk: str | None = None
    stopped: str | None = None


class Dump:
    """One dump. The constructor checks everything before any object is read; call ``dump`` once.

    Args:
        options: the configuration.
        retry_policy: how often to retry after a temporary error.
        sleep: sleeps between two inserts.

    Raises:
        ConfigurationError: an option is wrong, a table is missing, or ClickHouse does not answer.
    """

    def __init__(
        self,
        options: DumpOptions,
        retry_policy: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.options = options
        self._sleep = sleep
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
        """True if the site has enabled dumps of this type of object."""
        return self._type is not None

    def dump(self) -> DumpReport:
        """Dump the objects, and return the counters and the reason if the dump was stopped."""
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

    def _dump_pages(self, object_type: ObjectType) -> None:
        if object_type.name == COURSES and not object_type.nested:
            log.warning("course_blocks are not dumped: only platform-plugin-aspects inside an LMS can read them")
        report, limit, next_insert = self.report, self.options.limit, 0.0
        after, only, _ = self._keys
        for page in pages(object_type.queryset(), after=after, only=only, page_size=self.options.batch_size):
            selected = self._select(object_type, page)
            allowed = len(selected) if limit is None else limit - report.dumped
            last = page[-1] if len(selected) <= allowed else selected[allowed - 1]
            selected = selected[:allowed]
            if selected:
                self._sleep(max(0.0, next_insert - time.monotonic()))
                self._deliver(object_type, selected)
                next_insert = time.monotonic() + self.options.sleep_time
            report.last_pk = str(last.pk)
            log.info(
                "dumped", object=object_type.name, dumped=report.dumped, skipped=report.skipped, last_pk=report.last_pk
            )
            if report.dumped == limit:
                return

    def _select(self, object_type: ObjectType, page: Sequence[Model]) -> list[Model]:
        """Return the objects of a page that have to be dumped."""
        wanted = [found for found in page if str(found.pk) not in self._keys.without]
        if object_type.modified_column and not self.options.force:
            known = self._sink.last_dumped(
                object_type.table, object_type.key_column, [str(found.pk) for found in wanted]
            )
            wanted = [
                found
                for found in wanted
                if _is_due(getattr(found, object_type.modified_column), known.get(str(found.pk)))
            ]
        self.report.skipped += len(page) - len(wanted)
        return wanted

    def _deliver(self, object_type: ObjectType, objects: Sequence[Model]) -> None:
        """Insert the rows of objects, nested rows first: an object counts as dumped once its own row exists."""
        rows = [row for pk, row in self._make_rows(object_type, objects) if self._deliver_nested(object_type, pk, row)]
        self._sink.insert(object_type.table, object_type.columns, rows)
        self.report.dumped += len(rows)

    def _make_rows(self, object_type: ObjectType, objects: Sequence[Model]) -> list[tuple[str, DumpRow]]:
        """Return primary keys and rows. If that fails, make the rows one by one, so that only bad objects fail."""
        try:
            rows = _attempt(partial(object_type.rows, objects))
        except _RowError as error:
            if len(objects) == 1:
                self._fail(object_type, str(objects[0].pk), error)
                return []
            return [row for found in objects for row in self._make_rows(object_type, [found])]
        return [(str(found.pk), row) for found, row in zip(objects, rows, strict=True)]

    def _deliver_nested(self, object_type: ObjectType, pk: str, row: DumpRow) -> bool:
        """Insert the nested rows of an object, and return whether they could be made."""
        for nested in object_type.nested:
            try:
                rows = _attempt(partial(nested.rows, row))
            except _RowError as error:
                self._fail(object_type, pk, error)
                return False
            self._sink.insert(nested.table, nested.columns, rows)
        return True

    def _fail(self, object_type: ObjectType, pk: str, error: _RowError) -> None:
        self.report.failed += 1
        log.error("not dumped", object=object_type.name, pk=pk, reason=str(error))


class _RowError(Exception):
    """The rows of an object cannot be made."""


class _Keys(NamedTuple):
    """The primary keys in the options."""

    after: Any | None
    only: list[Any]
    without: frozenset[str]


def _read_keys(options: DumpOptions, object_type: ObjectType) -> _Keys:
    def read(option: str, text: str) -> Any:
        try:
            return object_type.read_pk(text)
        except ValueError:
            raise ConfigurationError(f"--{option} {text!r} is not a primary key of {object_type.name}") from None

    return _Keys(
        after=None if options.start_pk is None else read("start_pk", options.start_pk),
        only=[read("ids", key) for key in options.ids],
        without=frozenset(str(read("ids_to_skip", key)) for key in options.ids_to_skip),
    )


def _is_due(modified: datetime | None, dumped: datetime | None) -> bool:
    """Return whether an object was never dumped, or was modified since its last dump."""
    return dumped is None or (modified is not None and dumped < modified)


def _attempt(make: Callable[[], T]) -> T:
    try:
        return make()
    except (DatabaseError, InterfaceError) as error:
        raise IdentityError(database_reason(error), operation="read", object="the LMS's database") from error
    except Exception as error:  # the LMS's code can raise any exception for a damaged course
        # The message can quote the content of the course, so only the type is reported.
        raise _RowError(type(error).__name__) from error
