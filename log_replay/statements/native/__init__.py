"""Event -> statements, made directly: for the events whose upstream code is the code that this was checked against."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from log_replay.errors import LogReplayError
from log_replay.lms import UnknownIdentity
from log_replay.records import Position, Statement
from log_replay.statements.native.certification import Certification
from log_replay.statements.native.kinds import KINDS
from log_replay.statements.native.platform import configured_platform
from log_replay.statements.native.reading import UpstreamRejects
from log_replay.statements.native.verification import same_statements
from log_replay.statements.serialise import statement_text

if TYPE_CHECKING:
    from log_replay.lms import Identities
    from log_replay.records import Event
    from log_replay.statements import Transformer
    from log_replay.statements.native.kinds import Make

#: How many differences are kept; all are counted.
KEPT_DIFFERENCES = 100

NATIVE = "native"
UNUSUAL = "unusual"


class Difference(NamedTuple):
    """An event of which upstream makes something else."""

    position: Position
    name: str


class NativeTransformer:
    """Makes statements directly where that is certified to give what upstream gives, and through upstream elsewhere.

    Args:
        upstream: what makes the statements of everything else.
        kind: ``xapi`` or ``caliper``.
        forbidden: why no event may go the native way (``requested``, ``processors``), if so.
        verify_sample: the share of natively made statements to compare with upstream's.
        sensor_id: who sends Caliper's envelopes, if that is not the LMS's root URL.

    Attributes:
        ways: how many events went the ``native`` way, and how many through upstream, by the reason why: ``requested``,
            ``third_party``, ``filter``, ``uncertified``, ``fingerprint``, or ``unusual`` for a single event's shape.
        verified: how many events were compared.
        different: how many of them upstream makes something else of.
        differences: the first of these.
    """

    def __init__(
        self,
        upstream: Transformer,
        kind: str,
        *,
        forbidden: str | None = None,
        verify_sample: float = 0.0,
        sensor_id: str | None = None,
    ) -> None:
        self._upstream = upstream
        self._makes = KINDS[kind]
        self._forbidden = forbidden
        self._verified_below = verify_sample * 2**32
        self._platform = configured_platform(sensor_id)
        self._certification = Certification(kind)
        self._chosen: dict[str, tuple[Make | None, str]] = {}
        self.ways: Counter[str] = Counter()
        self.verified = 0
        self.different = 0
        self.differences: list[Difference] = []

    @property
    def names(self) -> frozenset[str]:
        """The event names that give statements."""
        return self._upstream.names

    def native_for(self, name: str) -> tuple[Make | None, str]:
        """Return the native function for events of this name, or None, and why."""
        chosen = self._chosen.get(name)
        if chosen is None:
            chosen = self._chosen[name] = self._choose(name)
        return chosen

    def transform(self, event: Event, identities: Identities) -> tuple[Statement, ...]:
        """Return the event's statements; see ``Transformer``."""
        make, reason = self.native_for(event.name)
        if make is None:
            self.ways[reason] += 1
            return self._upstream.transform(event, identities)
        try:
            made = make(event, self._platform, identities)
            statements = tuple([Statement(id_, when, statement_text(whole)) for id_, when, whole in made])
        except (UnknownIdentity, UpstreamRejects) as rejection:
            self.ways[NATIVE] += 1
            if self._verified_below:
                self._verify(event, identities, rejection)
            raise
        except LogReplayError:
            raise
        except Exception:  # noqa: BLE001 - whatever it stumbles over, upstream says what becomes of the event
            self.ways[UNUSUAL] += 1
            return self._upstream.transform(event, identities)
        self.ways[NATIVE] += 1
        if self._verified_below:
            self._verify(event, identities, statements)
        return statements

    def _choose(self, name: str) -> tuple[Make | None, str]:
        if self._forbidden:
            return None, self._forbidden
        make = self._makes.get(name)
        reason = self._certification.objection(name) if make else "uncertified"
        return (None, reason) if reason else (make, NATIVE)

    def _verify(self, event: Event, identities: Identities, ours: Any) -> None:
        """Compare with upstream, if the event is of the sample; it is the same sample on every replay."""
        if crc32(b"%d#%b" % (event.position.offset, event.position.object.encode())) >= self._verified_below:
            return
        self.verified += 1
        try:
            theirs: Any = self._upstream.transform(event, identities)
        except LogReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - that upstream raises at all is what counts here
            theirs = error
        if not same_statements(ours, theirs):
            self.different += 1
            if len(self.differences) < KEPT_DIFFERENCES:
                self.differences.append(Difference(event.position, event.name))
