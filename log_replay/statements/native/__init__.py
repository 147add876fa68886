"""Transform events natively, without event-routing-backends (ERB), if the installed ERB is certified for them."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any
from zlib import crc32

from log_replay import _speedups
from log_replay.errors import LogReplayError
from log_replay.records import TransformedEvent
from log_replay.statements.native.certification import Certification
from log_replay.statements.native.fields import UpstreamRejects, with_session
from log_replay.statements.native.parts import NOT_CACHED, REJECTIONS, CachedCourses
from log_replay.statements.native.platform import configured_platform
from log_replay.statements.native.recipes import LineRecipes
from log_replay.statements.native.shapes import shape_of
from log_replay.statements.native.transforms import RECIPES, REJECT_CHECKS, TRANSFORMS
from log_replay.statements.native.verification import same_statements
from log_replay.statements.releases import session_in_sections, username_first

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.identities.cache import IdentityCache
    from log_replay.records import BlockResult, Event, Position, Rejected, Statement
    from log_replay.statements import Transformer
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.transforms import Transform

NATIVE = "native"
UNSUPPORTED_SHAPE = "unsupported_shape"


class NativeTransformer:
    """Transforms events natively if that is certified, and falls back to upstream's code if not.

    Args:
        upstream: the transformer for all other events.
        transformer_type: ``xapi`` or ``caliper``.
        fallback_reason: the reason to transform all events with upstream's code (``requested`` or ``processors``).
        verify_sample: the share of the natively transformed events to compare with upstream's statements.
        sensor_id: the sensor in Caliper's envelopes; the LMS's root URL by default.
        certification: the certified events; those of ``certified.json`` by default.

    Attributes:
        transform_paths: the number of events by transform path: ``native``, or the reason for a fallback:
            ``requested``, ``processors``, ``third_party``, ``filter``, ``uncertified``, ``fingerprint``, or
            ``unsupported_shape`` for single events.
        unsupported_shapes: the number of events of unsupported shapes, by event name and shape.
        verified: the number of events that were compared.
        differences: the events for which upstream's statements differ.
    """

    def __init__(  # noqa: PLR0913 - what a run and the tests configure
        self,
        upstream: Transformer,
        transformer_type: str,
        *,
        fallback_reason: str | None = None,
        verify_sample: float = 0.0,
        sensor_id: str | None = None,
        certification: Certification | None = None,
    ) -> None:
        self._upstream = upstream
        self._recipes_of = RECIPES[transformer_type]
        self._line_recipes: tuple[IdentityCache, LineRecipes] | None = None
        self._transforms, self._check_reject = TRANSFORMS[transformer_type], REJECT_CHECKS[transformer_type]
        self._fallback_reason = fallback_reason
        self._verified_below = verify_sample * 2**32
        self._platform = configured_platform(sensor_id)
        self._certification = certification or Certification(transformer_type)
        self._chosen: dict[str, tuple[Transform | None, str]] = {}
        # Not a Counter: counting takes twice as long with it.
        self.transform_paths: defaultdict[str, int] = defaultdict(int)
        self.unsupported_shapes = Counter[str]()
        self.verified = 0
        self.differences: list[tuple[Position, str]] = []

    @property
    def names(self) -> frozenset[str]:
        """The names of the events that give statements."""
        return self._upstream.names

    @property
    def username_first(self) -> bool:
        """How the installed event-routing-backends finds the user of an event."""
        return username_first()

    def native_for(self, name: str) -> tuple[Transform | None, str]:
        """Return the native transform of events with this name, or None and the reason for the fallback."""
        chosen = self._chosen.get(name)
        if chosen is None:
            chosen = self._chosen[name] = self._choose(name)
        return chosen

    def line_recipes(self, identities: IdentityCache) -> LineRecipes | None:
        """Return the recipes of the events that are transformed natively; see ``Transformer``."""
        if not _speedups.transform_line or username_first() or session_in_sections():
            return None
        if self._line_recipes is None or self._line_recipes[0] is not identities:
            self._line_recipes = identities, self._new_line_recipes(identities)
        recipes = self._line_recipes[1]
        return recipes if recipes.by_name else None

    def count_native(self, number: int) -> None:
        """Count events that were transformed by their recipes."""
        if number:
            self.transform_paths[NATIVE] += number

    @property
    def verifies(self) -> bool:
        """True if a sample of the events is compared with upstream's statements."""
        return self._verified_below > 0

    def verify(self, event: Event, identities: Identities, result: TransformedEvent | Rejected) -> None:
        """Compare with upstream's result, if the event is in the sample."""
        ours = result.statements if isinstance(result, TransformedEvent) else UpstreamRejects(result.reason)
        self._verify(event, identities, ours)

    def transform(self, event: Event, identities: Identities) -> tuple[Statement, ...]:
        """Return the event's statements; see ``Transformer``."""
        native, reason = self._chosen.get(event.name) or self.native_for(event.name)
        if native is None:
            self.transform_paths[reason] += 1
            return self._upstream.transform(event, identities)
        try:
            try:
                statements = native(event, self._platform, identities)
            except Exception:
                # Upstream reads some fields first. If they are invalid, they decide the reason, whatever else is wrong.
                self._check_reject(event.fields, self._platform)
                raise
        except REJECTIONS as rejection:
            self.transform_paths[NATIVE] += 1
            if self._verified_below:
                self._verify(event, identities, rejection)
            raise
        except LogReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - upstream decides what becomes of an event that the native code cannot transform
            self.transform_paths[UNSUPPORTED_SHAPE] += 1
            self.unsupported_shapes[shape_of(event, error)] += 1
            return self._upstream.transform(event, identities)
        self.transform_paths[NATIVE] += 1
        if self._verified_below:
            self._verify(event, identities, statements)
        return statements

    def drain_stats(self, result: BlockResult) -> None:
        """Move the counters since the last block into the block's result."""
        result.transform_paths, self.transform_paths = Counter(self.transform_paths), defaultdict(int)
        if self.unsupported_shapes:
            result.unsupported_shapes, self.unsupported_shapes = self.unsupported_shapes, Counter()
        result.verified, self.verified = self.verified, 0
        result.differences, self.differences = self.differences, []

    def _new_line_recipes(self, identities: IdentityCache) -> LineRecipes:
        # Events that the settings do not list are unknown, even if there is a transform.
        native = {name: self._transforms[name] for name in self.names if self.native_for(name)[0]}
        try:
            recipes = self._recipes_of(native, self._platform, CachedCourses(identities))
        except ValueError:  # the root URL has characters that templates do not support
            recipes = {}
        return LineRecipes(
            by_name=recipes,
            users=identities.users,
            ranges=identities.external_ids,
            anonymous=("anonymous", None),
            unknown_user=("unknown_user", None),
            not_cached=NOT_CACHED,
            transform=partial(self.transform, identities=identities),
        )

    def _choose(self, name: str) -> tuple[Transform | None, str]:
        if self._fallback_reason:
            return None, self._fallback_reason
        native = self._transforms.get(name)
        reason = self._certification.fallback_reason(name) if native else "uncertified"
        if reason or not native:
            return None, reason
        return (_with_session(native) if session_in_sections() else native), NATIVE

    def _verify(self, event: Event, identities: Identities, ours: Any) -> None:
        """Compare with upstream's statements, if the event is in the sample. Each replay takes the same sample."""
        name = event.position.object.encode(errors="surrogatepass")
        if crc32(b"%d#%b" % (event.position.offset, name)) >= self._verified_below:
            return
        self.verified += 1
        try:
            theirs: Any = self._upstream.transform(event, identities)
        except LogReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - an exception of any type is compared with our reject
            theirs = error
        if not same_statements(ours, theirs):
            self.differences.append((event.position, event.name))


def _with_session(native: Transform) -> Transform:
    """Return the transform for releases of upstream that look for the session in more places."""

    def transform(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
        return native(with_session(event), platform, identities)

    return transform
