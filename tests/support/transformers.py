"""The native and the upstream transformer, side by side, with the sample's identities."""

from __future__ import annotations

import json

from log_replay import _speedups
from log_replay.events import UnparsableLine, parse_event
from log_replay.identities.cache import IdentityCache
from log_replay.records import Position, Rejected, Statement, TransformedEvent
from log_replay.statements import reject_detail, reject_reason
from log_replay.statements.native import NativeTransformer
from log_replay.statements.native.certification import Certification
from log_replay.statements.releases import username_first
from log_replay.statements.upstream import UpstreamTransformer
from tests.support.sample_lookup import SampleLookup


def event_of_line(line, offset=0):
    """Return the event of a line, or None if the line has no event."""
    try:
        return parse_event(line, Position("tracking.log", offset), username_first=username_first())
    except UnparsableLine:
        return None


def event_of(raw, offset=0):
    """Return the event of a raw event, or None if a log cannot have it."""
    return event_of_line(json.dumps(raw).encode(), offset)


def result_of(function):
    """Return the result of a call, or the exception that it raises."""
    try:
        return function()
    except Exception as error:  # noqa: BLE001 - exceptions of all types are compared
        return error


def reject_of(error):
    """Return the reason and the detail of a reject."""
    return reject_reason(error), reject_detail(error)


class EverythingCertified(Certification):
    """Certifies all events: the tests compare events before they are certified."""

    def fallback_reason(self, name):
        return ""


class Transformers:
    """The native and the upstream transformer of one type."""

    def __init__(self, transformer_type):
        self.type = transformer_type
        self.identities = IdentityCache(SampleLookup(transformer_type))
        self.upstream = UpstreamTransformer(transformer_type)
        self.native = self.new_native()

    def new_native(self, upstream=None, *, as_certified=False, **options):
        """Return a new native transformer, for all events or (``as_certified``) for the certified events only."""
        certification = None if as_certified else EverythingCertified(self.type)
        return NativeTransformer(upstream or self.upstream, self.type, certification=certification, **options)

    def natively(self, raw, offset=0):
        """Return the native statements of a raw event, or the exception. C code gives the same or nothing."""
        result = result_of(lambda: self.native.transform(event_of(raw, offset), self.identities))
        expected = reject_of(result) if isinstance(result, Exception) else result
        in_c = self.in_c(json.dumps(raw).encode())
        assert in_c is None or in_c == expected, (raw, in_c, result)
        return result

    def in_c(self, line):
        """Return the statements that C code makes of a line, or the reject; None if it leaves the line to Python."""
        recipes = self.native.line_recipes(self.identities)
        if not recipes:
            return None
        tally = _speedups.new_tally(b'"type":"', 1000)
        found = _speedups.transform_line(
            TransformedEvent, Rejected, Position, Statement, recipes, "log", line, 0, len(line), 0, tally
        )
        (_, _, untimed, hours, *_), *_ = _speedups.count_tally(tally)
        assert untimed + sum(hours.values()) == (len(found.statements) if isinstance(found, TransformedEvent) else 0)
        if type(found) is tuple:  # identities that no look-up finds
            return None
        return found and (found.statements if isinstance(found, TransformedEvent) else (found.reason, found.detail))

    def by_upstream(self, raw):
        """Return upstream's statements of a raw event, or the exception."""
        # Parsed again: some of upstream's transformers change the event.
        return result_of(lambda: self.upstream.transform(event_of(raw), self.identities))

    def both_of_line(self, line):
        """Return the native and upstream's results for a line, or None if it has no known event."""
        event = event_of_line(line)
        if event is None or event.name not in self.upstream.names:
            return None
        ours = result_of(lambda: self.native.transform(event, self.identities))
        return ours, result_of(lambda: self.upstream.transform(event_of_line(line), self.identities))
