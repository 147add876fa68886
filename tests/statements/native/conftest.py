"""Upstream and the native functions, side by side on the sample directory's people and courses."""

from __future__ import annotations

import json
import logging

import pytest

from log_replay.events import UnparsableLine, parse_event
from log_replay.identities.cache import IdentityCache
from log_replay.records import Position
from log_replay.statements.native import NativeTransformer
from log_replay.statements.native.certification import Certification
from log_replay.statements.upstream import UpstreamTransformer, identities_answer
from tests.support.sample_lookup import SampleLookup

KINDS = ("xapi", "caliper")


def event_of(line, offset=0):
    """Return the event of a line, or None where it is none."""
    try:
        return parse_event(line, Position("tracking.log", offset))
    except UnparsableLine:
        return None


def logged(raw, offset=0):
    """Return the event of a raw event, or None where no line of a log can hold it."""
    return event_of(json.dumps(raw).encode(), offset)


def outcome(make):
    """Return what a call returns, or the exception that it raises."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - whatever it raises is compared
        return error


class Unconditional(Certification):
    """Certifies everything: what is to be certified must be compared first, and not with itself."""

    def fallback_reason(self, name):
        return ""


class Sides:
    """One kind of statements, made natively and by upstream."""

    def __init__(self, kind, **options):
        self.kind = kind
        self.identities = IdentityCache(SampleLookup(kind))
        self.upstream = UpstreamTransformer(kind)
        self.native = self.transformer(**options)

    def transformer(self, upstream=None, *, as_certified=False, **options):
        made = NativeTransformer(upstream or self.upstream, self.kind, **options)
        if not as_certified:
            made._certification = Unconditional(self.kind)
        return made

    def parsed(self, raw):
        return logged(raw)

    def made_natively(self, raw, offset=0):
        return outcome(lambda: self.native.transform(logged(raw, offset), self.identities))

    def made_by_upstream(self, raw):
        # From an event of its own: some of upstream's transformers change what they are given.
        return outcome(lambda: self.upstream.transform(logged(raw), self.identities))

    def made_of_line(self, line):
        """Return what is made of a line natively and by upstream; nothing where it holds no known event."""
        event = event_of(line)
        if event is None or event.name not in self.upstream.names:
            return None
        ours = outcome(lambda: self.native.transform(event, self.identities))
        return ours, outcome(lambda: self.upstream.transform(event_of(line), self.identities))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def sides(kind):
    made = Sides(kind)
    # Upstream's warnings name learners, and there are thousands here.
    logging.getLogger("event_routing_backends").setLevel(logging.CRITICAL)
    with identities_answer(made.identities):
        yield made
    logging.getLogger("event_routing_backends").setLevel(logging.NOTSET)
