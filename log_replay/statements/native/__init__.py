"""Event -> statements, made directly: for the events whose upstream code is the code that this was checked against."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any
from zlib import crc32

from log_replay.errors import LogReplayError
from log_replay.identities import UnknownIdentity
from log_replay.statements.native.certification import Certification
from log_replay.statements.native.kinds import KINDS, TIMES
from log_replay.statements.native.platform import configured_platform
from log_replay.statements.native.reading import UpstreamRejects
from log_replay.statements.native.verification import same_statements

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import BlockResult, Event, Position, Statement
    from log_replay.statements import Transformer
    from log_replay.statements.native.kinds import Maker

NATIVE = "native"
UNUSUAL = "unusual"


class NativeTransformer:
    """Makes statements directly where that is certified to give what upstream gives, and through upstream elsewhere.

    Args:
        upstream: what makes the statements of everything else.
        kind: ``xapi`` or ``caliper``.
        forbidden: why no event may go the native way (``requested``, ``processors``), if so.
        verify_sample: the share of natively made statements to compare with upstream's.
        sensor_id: who sends Caliper's envelopes, if that is not the LMS's root URL.

    Attributes:
        transform_paths: events transformed natively (``native``), and by upstream's code, by reason: ``requested``,
            ``third_party``, ``filter``, ``uncertified``, ``fingerprint``, or ``unusual`` for a single event's shape.
        verified: how many events were compared.
        differences: those of them that upstream makes something else of.
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
        self._makes, self._time_of = KINDS[kind], TIMES[kind]
        self._forbidden = forbidden
        self._verified_below = verify_sample * 2**32
        self._platform = configured_platform(sensor_id)
        self._certification = Certification(kind)
        self._chosen: dict[str, tuple[Maker | None, str]] = {}
        # Not a Counter, which takes twice as long to count.
        self.transform_paths: defaultdict[str, int] = defaultdict(int)
        self.verified = 0
        self.differences: list[tuple[Position, str]] = []

    @property
    def names(self) -> frozenset[str]:
        """The event names that give statements."""
        return self._upstream.names

    def native_for(self, name: str) -> tuple[Maker | None, str]:
        """Return the native function for events of this name, or None, and why."""
        chosen = self._chosen.get(name)
        if chosen is None:
            chosen = self._chosen[name] = self._choose(name)
        return chosen

    def transform(self, event: Event, identities: Identities) -> tuple[Statement, ...]:
        """Return the event's statements; see ``Transformer``."""
        make, reason = self._chosen.get(event.name) or self.native_for(event.name)
        if make is None:
            self.transform_paths[reason] += 1
            return self._upstream.transform(event, identities)
        try:
            try:
                statements = make(event, self._platform, identities)
            except (UnknownIdentity, UpstreamRejects):
                self._time_of(event.fields)  # which was not looked at yet, and upstream would stumble over first
                raise
        except (UnknownIdentity, UpstreamRejects) as rejection:
            self.transform_paths[NATIVE] += 1
            if self._verified_below:
                self._verify(event, identities, rejection)
            raise
        except LogReplayError:
            raise
        except Exception:  # noqa: BLE001 - whatever it stumbles over, upstream says what becomes of the event
            self.transform_paths[UNUSUAL] += 1
            return self._upstream.transform(event, identities)
        self.transform_paths[NATIVE] += 1
        if self._verified_below:
            self._verify(event, identities, statements)
        return statements

    def drain_stats(self, result: BlockResult) -> None:
        """Move what was counted since the last block into the block's result."""
        result.transform_paths, self.transform_paths = Counter(self.transform_paths), defaultdict(int)
        result.verified, self.verified = self.verified, 0
        result.differences, self.differences = self.differences, []

    def _choose(self, name: str) -> tuple[Maker | None, str]:
        if self._forbidden:
            return None, self._forbidden
        make = self._makes.get(name)
        reason = self._certification.objection(name) if make else "uncertified"
        return (None, reason) if reason else (make, NATIVE)

    def _verify(self, event: Event, identities: Identities, ours: Any) -> None:
        """Compare with upstream, if the event is of the sample; it is the same sample on every replay."""
        name = event.position.object.encode(errors="surrogatepass")
        if crc32(b"%d#%b" % (event.position.offset, name)) >= self._verified_below:
            return
        self.verified += 1
        try:
            theirs: Any = self._upstream.transform(event, identities)
        except LogReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - that upstream raises at all is what counts here
            theirs = error
        if not same_statements(ours, theirs):
            self.differences.append((event.position, event.name))
