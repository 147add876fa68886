"""What our own output files are called, so that sinks can write them and sources can tell them from logs."""

from __future__ import annotations

import re

#: The last part of a name that is an output of ours, of upstream's command, a manifest of either, or what a killed run
#: of ours left of one.
OWN_OUTPUT = re.compile(
    r"""
    (?:xapi|caliper)_[0-9a-f]{12}_[0-9]{8,}\.log(?:\.gz|\.zst)?
    | [0-9]{2}-[0-9]{2}-[0-9]{2}_[0-9]{2}-[0-9]{2}-[0-9]{2}_(?:xapi|caliper)\.log
    | manifest\.(?:json|log)
    | \.(?:(?:xapi|caliper)_[0-9a-f]{12}_[0-9]{8,}\.log(?:\.gz|\.zst)?|manifest\.json)\.[0-9a-f]{8}\.partial
    """,
    re.VERBOSE,
)


def output_name(transformer: str, key: str, index: int, suffix: str = "") -> str:
    """Return the name of one output; names of one run sort in the order of their indexes.

    Args:
        transformer: ``xapi`` or ``caliper``.
        key: twelve lowercase hexadecimal digits that tell this run's outputs from any other's.
        index: the number of the batch.
        suffix: ``.gz`` or ``.zst`` where the output is compressed.
    """
    return f"{transformer}_{key}_{index:08d}.log{suffix}"


def is_own_output(name: str) -> bool:
    """Return whether an object of this name, with or without folders before it, was written by a replay."""
    return OWN_OUTPUT.fullmatch(name.rpartition("/")[2]) is not None
