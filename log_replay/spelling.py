"""Hints at misspelt names of options, commands and settings."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIMILAR = 0.7


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is most similar to a misspelt one, or None if no name is similar."""
    return next(iter(get_close_matches(name, list(names), n=1, cutoff=_SIMILAR)), None)


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """Return a hint at the most similar name, or None if no name is similar."""
    similar = nearest(name, names)
    return f"did you mean {similar}?" if similar else None
