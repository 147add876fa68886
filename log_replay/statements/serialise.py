"""Serialise values as JSON."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from log_replay.errors import RejectError

if TYPE_CHECKING:
    from collections.abc import Callable

#: ``json`` does not serialise dates and dataclasses, so orjson must not either.
_STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class NonFiniteNumber(RejectError):
    """A statement has a number that JSON cannot express: NaN or an infinity."""

    def __init__(self) -> None:
        super().__init__("non_finite_number")


def json_text(value: Any) -> bytes:
    """Return a statement, or a part of one, as JSON in UTF-8 on one line. It is equal to the JSON of ``json.dumps``.

    Raises:
        NonFiniteNumber: a number is NaN or infinite.
        TypeError: a value cannot be serialised.
    """
    try:
        text = orjson.dumps(value, option=_STRICT)
    except orjson.JSONEncodeError:  # integers over 64 bits, lone surrogates, keys that are not strings
        return _dumped_by_json(value)
    # orjson writes NaN and infinities as null. Statements have real nulls only in free-form values.
    # rfind takes half the time of "in".
    if text.rfind(b"null") >= 0 and not _is_finite(value):
        raise NonFiniteNumber
    return text


#: Return the JSON of a text. Raises ``TypeError`` for a lone surrogate.
quoted: Callable[[str], bytes] = orjson.dumps


def number_text(number: float) -> bytes:
    """Return the JSON of a number.

    Raises:
        NonFiniteNumber: the number is NaN or infinite.
    """
    text = orjson.dumps(number)
    if text == b"null":
        raise NonFiniteNumber
    return text


def _dumped_by_json(value: Any) -> bytes:
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
