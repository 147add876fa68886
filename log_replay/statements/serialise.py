"""Values -> their JSON, made once and shared by everything that carries it."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

#: ``json`` refuses dates, so orjson must not invent a spelling for them.
_STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class NonFiniteNumber(ValueError):
    """A statement holds NaN or an infinity, for which JSON has no spelling."""

    reason = "non_finite_number"


def json_text(value: Any) -> bytes:
    """Return a statement, or a part of one, as UTF-8 JSON on one line, equal to what ``json.dumps`` makes of it.

    Raises:
        NonFiniteNumber: some number in it is NaN or infinite.
        TypeError: something in it has no JSON, as ``json.dumps`` raises.
    """
    try:
        text = orjson.dumps(value, option=_STRICT)
    except orjson.JSONEncodeError:  # integers over 64 bits, lone surrogates, keys that are no strings
        return _patient_text(value)
    # orjson writes null for what is not finite; statements hold no nulls of their own but in free-form values.
    # rfind, since it is twice as fast as "in".
    if text.rfind(b"null") >= 0 and not _is_finite(value):
        raise NonFiniteNumber
    return text


#: The JSON of a text, at once; raises ``TypeError`` where a lone surrogate is in it.
quoted: Callable[[str], bytes] = orjson.dumps


def number_text(number: float) -> bytes:
    """Return the JSON of a number.

    Raises:
        NonFiniteNumber: it is NaN or infinite.
    """
    text = orjson.dumps(number)
    if text == b"null":
        raise NonFiniteNumber
    return text


def _patient_text(value: Any) -> bytes:
    if not _is_finite(value):
        raise NonFiniteNumber
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values())) and all(map(_is_finite, value))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return True
