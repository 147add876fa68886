"""``python -m tests.benchmarks.shapes``: CPU time of events with odd shapes, compared with ordinary events.

Each row is one shape of one event. Its lines are transformed as in a run, in blocks, with cached identities. A row over
five times the median is a performance defect; it is marked, and the exit code is 1.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import sys
import time
from functools import partial

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "log_replay.standalone.settings")

import django

django.setup()

from log_replay.events.filters import Filters
from log_replay.identities.cache import IdentityCache
from log_replay.records import LineBlock
from log_replay.statements.block import transform_block
from log_replay.statements.native import NativeTransformer
from log_replay.statements.native.transforms import TRANSFORMS
from log_replay.statements.upstream import UpstreamTransformer, identities_answer
from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS
from tests.support.odd_shapes import SHAPES
from tests.support.sample_lookup import SampleLookup

#: The maximum cost of an event, compared with the median of ordinary events.
LIMIT = 5
LINES = 100
ROUNDS = 7

Rows = dict[str, bytes]


def main() -> int:
    logging.disable()
    write("CPU us per event", "xapi", "x median", "caliper", "x median", "xapi result", "caliper result")
    costs = {type_: Costs(type_) for type_ in TRANSFORMS}
    for name in dict.fromkeys(name for measured in costs.values() for name in measured.rows):
        cells = [cell for measured in costs.values() for cell in measured.cells(name)]
        write(name, *cells, *(measured.results.get(name, "") for measured in costs.values()))
    for type_, measured in costs.items():
        write(f"median of ordinary events, {type_}", f"{measured.median:.1f}")
    return 1 if any(measured.over_limit for measured in costs.values()) else 0


def write(name: str, *cells: str) -> None:
    numbers, results = cells[:4], cells[4:]
    text = "".join(f"{cell:>10}" for cell in numbers) + "  " + "".join(f"{cell:<18}" for cell in results)
    sys.stdout.write(f"{name:<62}{text}".rstrip() + "\n")


class Costs:
    """The CPU time of all rows for one transformer type, in microseconds per event."""

    def __init__(self, transformer_type: str) -> None:
        self._transformer = NativeTransformer(UpstreamTransformer(transformer_type), transformer_type)
        self._identities = IdentityCache(SampleLookup(transformer_type))
        self.results: dict[str, str] = {}
        known = {key for key, form in FORMS.items() if form.name in self._transformer.names}
        ordinary = {key: lines(partial(raw_event, FORMS[key])) for key in FORMS if key in known}
        odd = {
            f"{form}: {shape.name}": lines(partial(shape.raw, form))
            for shape in SHAPES
            for form in shape.forms
            if form in known
        }
        with identities_answer(self._identities):
            self._costs = self._measure(ordinary | odd)
        self.median = statistics.median(self._costs[name] for name in ordinary)
        slow_ordinary = [name for name in ordinary if self._costs[name] > 2 * self.median]
        self.rows = [*slow_ordinary, *odd]
        self.over_limit = [name for name in self.rows if self._costs[name] > LIMIT * self.median]

    def cells(self, name: str) -> tuple[str, str]:
        if name not in self._costs:
            return "", ""
        ratio = self._costs[name] / self.median
        return f"{self._costs[name]:.1f}", f"{ratio:.1f}" + ("!" if ratio > LIMIT else "")

    def _measure(self, rows: Rows) -> dict[str, float]:
        """Return the least CPU time of several rounds. All rows take turns, so that a busy machine affects all."""
        costs = dict.fromkeys(rows, float("inf"))
        for _ in range(ROUNDS):
            for name, text in rows.items():
                costs[name] = min(costs[name], self._transform(name, text))
        return costs

    def _transform(self, name: str, text: bytes) -> float:
        block = LineBlock("tracking.log", (text,), 0, len(text))
        started = time.process_time()
        result = transform_block(block, filters=Filters(), identities=self._identities, transformer=self._transformer)
        seconds = time.process_time() - started
        reasons = {reject.reason for reject in result.rejects} or {"statement"}
        paths = self._transformer.transform_paths.keys() - {"native"}
        self._transformer.transform_paths.clear()
        self.results[name] = ", ".join([*sorted(reasons), *sorted(paths)])
        return seconds / LINES * 1e6


def lines(raw) -> bytes:
    """Return lines of events by different users, about different objects."""
    scenes = (Scene(number=number, user_id=3 + number % 4) for number in range(LINES))
    return b"".join(json.dumps(raw(scene)).encode() + b"\n" for scene in scenes)


if __name__ == "__main__":
    sys.exit(main())
