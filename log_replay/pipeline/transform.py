"""Transform blocks of lines to statements. Each process opens one transformer."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from time import process_time
from typing import TYPE_CHECKING

from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from log_replay.identities.cache import IdentityCache
from log_replay.identities.database import DatabaseLookup, lms_models
from log_replay.identities.ranges import ExternalIdRanges
from log_replay.pipeline.limit import leave_out_statements
from log_replay.pipeline.memory import memory_kept
from log_replay.records import lines_of
from log_replay.statements.block import transform_block
from log_replay.statements.native import NativeTransformer
from log_replay.statements.upstream import UpstreamTransformer, identities_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_replay.inspect.blocks import BlockProfiler
    from log_replay.pipeline.limit import Transform
    from log_replay.pipeline.transform_settings import TransformSettings
    from log_replay.records import BlockResult, LineBlock

#: Values of XAPI_AGENT_IFI_TYPE with which statements identify users by email address.
MAIL_IFI_TYPES = frozenset({"mbox", "mbox_sha1sum"})
ANY_COURSE = "course-v1:Any+Course+Run"


@contextmanager
def open_transform(transform_settings: TransformSettings) -> Iterator[Transform]:
    """Yield a function that transforms a block, with the transformer and the identities that it needs.

    Its second argument is the number of statements to leave out of the block's last event, because of ``--limit``.

    Raises:
        ConfigurationError: the settings are not valid.
    """
    transformer = transform_settings.transformer
    identities = open_identities(transform_settings)
    routes = transform_settings.routing.matcher() if transform_settings.routing else None
    validate = _validation(transform_settings) if transform_settings.validate else None
    profiler = _profiler(transform_settings, identities) if transform_settings.profile else None

    def transform(block: LineBlock, left_out: int = 0) -> BlockResult:
        changes = left_out > 0 or transform_settings.reject_invalid
        notes = profiler.notes(events_can_change=changes) if profiler else None
        began = process_time() if profiler else 0.0
        result = transform_block(
            block,
            filters=transform_settings.filters,
            identities=identities,
            transformer=transformer,
            routes=routes,
            notes=notes,
        )
        transformer.drain_stats(result)
        if left_out:
            leave_out_statements(result, left_out, notes)
        transformed = process_time() if profiler else 0.0
        if validate:
            validate(result)
        if profiler and notes:
            result.profile = profiler.profile(block, result, notes)
            result.profile.cpu_seconds = transformed - began
            result.profile.inspection_cpu_seconds = process_time() - transformed
        if transform_settings.keep_rejected_lines:
            result.rejected_lines = _rejected_lines(block, result)
        return result

    with identities_answer(identities), memory_kept():
        yield transform


# Most runs need neither of these, and their modules take time to import.


def _validation(transform_settings: TransformSettings) -> Callable[[BlockResult], None]:
    from log_replay.validation import Validator  # noqa: PLC0415
    from log_replay.validation.block import validate_block  # noqa: PLC0415

    validator = Validator(transform_settings.transformer_type)
    return partial(validate_block, validator=validator, reject=transform_settings.reject_invalid)


def _profiler(transform_settings: TransformSettings, identities: IdentityCache) -> BlockProfiler:
    from log_replay.inspect.blocks import BlockProfiler  # noqa: PLC0415

    return BlockProfiler(transform_settings.transformer_type, identities)


def _rejected_lines(block: LineBlock, result: BlockResult) -> dict[int, bytes]:
    rejected = {reject.position.offset for reject in result.rejects}
    return {offset: line for line, offset in lines_of(block) if offset in rejected}


def open_transformer(transform_settings: TransformSettings) -> NativeTransformer:
    """Open a transformer of events to statements."""
    upstream = UpstreamTransformer(transform_settings.transformer_type)
    return NativeTransformer(
        upstream,
        transform_settings.transformer_type,
        fallback_reason=upstream.fallback_reason if transform_settings.native else "requested",
        verify_sample=transform_settings.verify_sample,
        sensor_id=upstream.sensor_id,
    )


def open_identities(transform_settings: TransformSettings) -> IdentityCache:
    """Open the look-up of users and courses."""
    # Opaque keys load their plugins when the first key is parsed. Load them here, before the first block, and before
    # memory_kept() freezes the objects that exist.
    CourseKey.from_string(ANY_COURSE)
    type_ = external_id_type(transform_settings.transformer_type)
    lookup = DatabaseLookup(lms_models(), type_, add=transform_settings.add_external_ids)
    # Upstream's code asks for whole users.
    by_ranges = type_ is not None and transform_settings.native
    return IdentityCache(lookup, ExternalIdRanges(lookup.external_ids) if by_ranges else None)


def external_id_type(transformer_type: str) -> str | None:
    """Return the type of external ids in statements; None if they identify actors by mail."""
    by_mail = transformer_type == "xapi" and settings.XAPI_AGENT_IFI_TYPE in MAIL_IFI_TYPES
    return None if by_mail else transformer_type
