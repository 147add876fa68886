"""``python -m tests.benchmarks.native``: CPU time of native statements, compared with upstream and with the floor.

The floor is one ``orjson.loads`` of the line, and one ``orjson.dumps`` and one ``uuid5`` for each of its statements.
The other columns are the time from the bytes of a line to the bytes of its statements, with cached identities.
"""

from __future__ import annotations

import functools
import itertools
import json
import logging
import os
import sys
import time
import uuid

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "log_replay.standalone.settings")

import django

django.setup()

import orjson

from log_replay.events import parse_event
from log_replay.identities.cache import IdentityCache
from log_replay.records import Position
from log_replay.statements.native import NativeTransformer
from log_replay.statements.native.transforms import TRANSFORMS
from log_replay.statements.upstream import UpstreamTransformer, identities_answer
from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS_OF
from tests.support.sample_lookup import SampleLookup

ROUNDS = 20
SCENES = 5
HERE = Position("tracking.log", 0)
HEAD = ("CPU us per line", "floor", "parsing", "native", "upstream", "native/floor", "upstream/native")


def main() -> None:
    logging.disable()
    show(HEAD)
    for kind in TRANSFORMS:
        identities = IdentityCache(SampleLookup(kind))
        with identities_answer(identities):
            bench(kind, identities)


def bench(kind: str, identities: IdentityCache) -> None:
    upstream = UpstreamTransformer(kind)
    native = NativeTransformer(upstream, kind)

    def natively(line: bytes) -> list[bytes]:
        return [made.text for made in native.transform(parse_event(line, HERE), identities)]

    def through_upstream(line: bytes) -> list[bytes]:
        return [made.text for made in upstream.transform(parse_event(line, HERE), identities)]

    for family, lines in families(kind).items():
        made = {line: texts for line in lines if (texts := attempt(through_upstream, line))}
        statements = {line: [orjson.loads(text) for text in texts] for line, texts in made.items()}
        floor = cost(functools.partial(at_least, statements), made)
        parsing = cost(lambda line: parse_event(line, HERE), made)
        ours, theirs = cost(natively, made), cost(through_upstream, made, rounds=1)
        times = (f"{value:.1f}" for value in (floor, parsing, ours, theirs))
        show((f"{kind} {family}", *times, f"{ours / floor:.2f}", f"{theirs / ours:.1f}"))
    if set(native.transform_paths) != {"native"}:
        show((f"{kind}: not all events were transformed natively: {dict(native.transform_paths)}",))


def show(cells) -> None:
    sys.stdout.write(f"{cells[0]:<22}" + "".join(f"{cell:>16}" for cell in cells[1:]) + "\n")


def families(kind: str) -> dict[str, list[bytes]]:
    """Return the lines of each family of events, and of all events."""
    found: dict[str, list[bytes]] = {}
    for name, number in itertools.product(sorted(TRANSFORMS[kind]), range(SCENES)):
        words = name.removeprefix("edx.").split(".")
        family = "video" if {"video", "transcript", "cc"} & set(name.replace(".", "_").split("_")) else words[0]
        family = "problem" if name in ("problem_check", "showanswer") else family
        for form in FORMS_OF[name]:
            raw = raw_event(form, Scene(number=number, user_id=3 + number % 4))
            found.setdefault(family, []).append(json.dumps(raw).encode())
    return found | {"all": [line for lines in found.values() for line in lines]}


def attempt(make, line: bytes) -> list[bytes]:
    try:
        return make(line)
    except Exception:  # noqa: BLE001 - rejected events are not measured
        return []


def at_least(statements: dict[bytes, list[dict]], line: bytes) -> None:
    orjson.loads(line)
    for statement in statements[line]:
        uuid.uuid5(uuid.NAMESPACE_URL, "any name")
        orjson.dumps(statement)


def cost(make, lines, rounds: int = ROUNDS) -> float:
    """Return the CPU time per line in microseconds: the least of several rounds, since other processes add time."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for line in lines:
            make(line)
        best = min(best, time.process_time() - start)
    return best / max(len(lines), 1) * 1e6


if __name__ == "__main__":
    main()
