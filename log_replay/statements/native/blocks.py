"""The ids of courses and blocks, made of what events say of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlparse

from log_replay.statements.native.reading import Unusual, text


@lru_cache(maxsize=1024)
def block_prefix(course_id: str, block_type: str) -> str:
    """Return a block's usage key up to its own id, such as ``block-v1:edX+DemoX+Demo+type@video+block@``."""
    prefix, _, rest = text(course_id).partition(":")
    if not rest:  # an old-style course id, of which no usage key can be made this way
        raise Unusual
    version = f"block-{prefix.rpartition('-')[2]}"
    if "ccx" in prefix:
        version = f"ccx-{version}"
    return f"{version}:{rest.partition(':')[0]}+type@{block_type}+block@"


def problem_of_page(referrer: Any, data: Any, course_id: Any) -> str:
    """Return the usage key of the problem that a browser event is about: where its page says, or its inputs' names."""
    named = parse_qs(urlparse(text(referrer)).query).get("activate_block_id")
    if named:
        return named[0]
    parts = text(data).split("_")
    if len(parts) == 1:
        raise Unusual
    return block_prefix(text(course_id), "problem") + parts[1]
