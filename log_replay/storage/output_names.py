"""Names of the files that a run writes. File sinks make them; sources skip them."""

from __future__ import annotations

import re

#: The last part of the name of a file that was written by a run of ours, by upstream's command, or left by a run of
#: ours that was killed.
OWN_OUTPUT = re.compile(
    r"""
    (?:xapi|caliper)_[0-9a-f]{12}_[0-9]{8,}\.log(?:\.gz|\.zst)?
    | [0-9]{2}-[0-9]{2}-[0-9]{2}_[0-9]{2}-[0-9]{2}-[0-9]{2}_(?:xapi|caliper)\.log
    | manifest\.(?:json|log)
    | \.(?:(?:xapi|caliper)_[0-9a-f]{12}_[0-9]{8,}\.log(?:\.gz|\.zst)?|manifest\.json)\.[0-9a-f]{8}\.partial
    """,
    re.VERBOSE,
)


def output_name(transformer_type: str, key: str, index: int, suffix: str = "") -> str:
    """Return the name of an output file. Names of one run sort in the order of their indexes.

    Args:
        transformer_type: ``xapi`` or ``caliper``.
        key: the run's key, twelve lowercase hexadecimal digits.
        index: the number of the file in the run.
        suffix: ``.gz`` or ``.zst`` if the file is compressed.
    """
    return f"{transformer_type}_{key}_{index:08d}.log{suffix}"


def is_own_output(name: str) -> bool:
    """Return True if an object of this name, with or without folders, was written by a replay."""
    return OWN_OUTPUT.fullmatch(name.rpartition("/")[2]) is not None
