"""What makes the statements of blocks: everything between a block of lines and its result, opened once a process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from log_replay.identities.cache import IdentityCache
from log_replay.identities.database import DatabaseLookup, lms_models
from log_replay.pipeline.memory import memory_kept
from log_replay.records import lines_of
from log_replay.sinks import open_sink
from log_replay.sinks.discard import Discard
from log_replay.statements.block import transform_block
from log_replay.statements.native import NativeTransformer
from log_replay.statements.upstream import UpstreamTransformer, identities_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_replay.options import Options
    from log_replay.records import BlockResult, LineBlock
    from log_replay.sinks import Sink

#: Settings of XAPI_AGENT_IFI_TYPE by which statements name users by their email addresses.
MAIL_IFI_TYPES = frozenset({"mbox", "mbox_sha1sum"})
ANY_COURSE = "course-v1:Any+Course+Run"


@contextmanager
def open_transform(options: Options) -> Iterator[Callable[[LineBlock], BlockResult]]:
    """Open a run's maker: its transformer, its identities, and the routes of its sink.

    Raises:
        ConfigurationError: the settings do not allow it.
    """
    transformer = open_transformer(options)
    directory = open_identities(options)
    routes = open_destination(options).routes

    def make(block: LineBlock) -> BlockResult:
        result = transform_block(
            block, filters=options.filters, directory=directory, transformer=transformer, routes=routes
        )
        transformer.drain_stats(result)
        if options.rejects_with_content:
            result.rejected_lines = _rejected_lines(block, result)
        return result

    with identities_answer(directory), memory_kept():
        yield make


def _rejected_lines(block: LineBlock, result: BlockResult) -> dict[int, bytes]:
    rejected = {reject.position.offset for reject in result.rejects}
    return {offset: line for line, offset in lines_of(block) if offset in rejected}


def open_transformer(options: Options) -> NativeTransformer:
    """Open what makes statements of events."""
    upstream = UpstreamTransformer(options.transformer_type)
    return NativeTransformer(
        upstream,
        options.transformer_type,
        fallback_reason="requested" if options.transformers == "upstream" else upstream.fallback_reason,
        verify_sample=options.verify_sample,
        sensor_id=upstream.sensor_id,
    )


def open_identities(options: Options) -> IdentityCache:
    """Open what knows users and courses."""
    # The kinds of keys are plugins, loaded when the first key is read: here, so that no block has to wait for them, and
    # before the collector is told to leave alone what there is.
    CourseKey.from_string(ANY_COURSE)
    by_mail = options.transformer_type == "xapi" and settings.XAPI_AGENT_IFI_TYPE in MAIL_IFI_TYPES
    external_id_type = None if by_mail else options.transformer_type
    return IdentityCache(DatabaseLookup(lms_models(), external_id_type, add=options.add_external_ids))


def open_destination(options: Options) -> Sink:
    """Open where statements go; a dry run keeps nothing."""
    if options.dry_run:
        return Discard()
    return open_sink(
        options.destination.provider,
        options.destination.config,
        transformer_type=options.transformer_type,
        key=options.key,
        lrs_urls=options.lrs_urls,
    )
