"""Tests find one another by name alone: no two modules may have the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

#: Always imported through their rooms (``sinks.servers``, ``clickhouse.servers``), or not by tests at all.
SHARED = {"conftest", "servers", "__init__"}


def test_module_names_are_unique():
    folder = Path(__file__).parent
    modules = [
        path.stem
        for path in folder.rglob("*.py")
        if not {"stand_in", "aspects_site", "benchmarks", "golden"} & set(path.parts)
    ]
    rooms = [path.name for path in folder.iterdir() if path.is_dir()]
    assert [name for name, count in Counter([*modules, *rooms]).items() if count > 1 and name not in SHARED] == []
