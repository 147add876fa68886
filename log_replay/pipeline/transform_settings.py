"""The settings for transforming blocks. A new worker unpickles them before Django is set up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from log_replay.events.filters import Filters
    from log_replay.options import Options
    from log_replay.sinks.routing import RouteTable
    from log_replay.statements.native import NativeTransformer


@dataclass(frozen=True)
class TransformSettings:
    """The settings for transforming blocks. They can be pickled and contain no credentials.

    Args:
        transformer_type: ``xapi`` or ``caliper``.
        filters: the events to transform.
        routing: the event filters of the destination's routes, None if it has no routes.
        native: use native statements where they are certified; otherwise event-routing-backends transforms every event.
        verify_sample: the share of the native statements that event-routing-backends also makes, for comparison.
        add_external_ids: create the external id of a user who has none.
        keep_rejected_lines: return rejected lines with the results.
        validate: check the statements against the specification.
        reject_invalid: reject the events of statements that are not valid.
        profile: return the profile of each block with its result, for the report of a dry run.
    """

    transformer_type: str
    filters: Filters
    routing: RouteTable | None
    native: bool
    verify_sample: float
    add_external_ids: bool
    keep_rejected_lines: bool
    validate: bool = False
    reject_invalid: bool = False
    profile: bool = False

    @cached_property
    def transformer(self) -> NativeTransformer:
        """The transformer of this process, opened on first use; another process opens its own."""
        from log_replay.pipeline.transform import open_transformer  # noqa: PLC0415 - needs a configured Django

        return open_transformer(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "transformer"}


def transform_settings(options: Options, routing: RouteTable | None, *, profile: bool = False) -> TransformSettings:
    """Return the settings for transforming the blocks of a run."""
    return TransformSettings(
        transformer_type=options.transformer_type,
        filters=options.filters,
        routing=routing,
        native=options.transformers != "upstream",
        verify_sample=options.verify_sample,
        add_external_ids=options.add_external_ids,
        keep_rejected_lines=options.rejects_with_content,
        validate=options.validate,
        reject_invalid=options.invalid == "reject",
        profile=profile,
    )
