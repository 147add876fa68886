"""The files in ``vector/``, read as Vector reads them, and their documented compositions."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VECTOR = ROOT / "vector"
COMPONENTS = sorted(
    path for path in VECTOR.rglob("*.yaml") if path.parent.name in ("sources", "transforms", "sinks", "vector")
)
TRANSFORMS = VECTOR / "transforms" / "statements.yaml"
SOURCES = [path for path in COMPONENTS if path.parent.name == "sources" and path.name != "agent.yaml"]
SINKS = [path for path in COMPONENTS if path.parent.name == "sinks"]
DEAD_LETTER = VECTOR / "sinks" / "dead-letter.yaml"
#: The indented commands of the README.
README_BLOCKS = re.findall(r"(?:^    .+\n?)+", (VECTOR / "README.md").read_text(), re.MULTILINE)
SECTIONS = ("sources", "transforms", "sinks")

#: ``$$``, ``$NAME``, ``${NAME}``, ``${NAME:-default}`` as Vector's src/config/vars.rs has them, anywhere in a file.
REFERENCE = re.compile(r"\$\$|\$[\w.]+|\$\{[\w.]+(?::?[-?][^}]*)?\}")
DEFAULTED = re.compile(r"\$\{([\w.]+):-([^}]*)\}")


def interpolated(text: str, environment: dict[str, str] | None = None) -> str:
    """Insert environment variables into a file's text, as Vector does before it parses the file."""
    return DEFAULTED.sub(lambda match: (environment or {}).get(match[1]) or match[2], text)


def composed(*paths: Path, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Merge files as ``--config a --config b`` does. Two components with the same id are an error."""
    merged: dict[str, Any] = {section: {} for section in (*SECTIONS, "secret")}
    tests = []
    for path in paths:
        parsed = yaml.safe_load(interpolated(path.read_text(), environment))
        tests += parsed.pop("tests", [])
        for section, components in parsed.items():
            if not isinstance(components, dict):
                assert merged.setdefault(section, components) == components, f"conflicting {section}"
                continue
            twice = merged[section].keys() & components.keys()
            assert not twice, f"duplicate id {twice} in {path}"
            merged[section].update(components)
    return {**merged, "tests": tests}


def compositions() -> list[tuple[Path, ...]]:
    """Return every source with every sink and the dead letter, every source with all sinks, and every agent."""
    one_sink = [
        (source, TRANSFORMS, *dict.fromkeys((sink, DEAD_LETTER))) for source, sink in itertools.product(SOURCES, SINKS)
    ]
    every_sink = [(source, TRANSFORMS, *SINKS, VECTOR / "metrics.yaml") for source in SOURCES]
    agents = [(source, VECTOR / "sources" / "agent.yaml") for source in SOURCES if source.name != "aggregator.yaml"]
    return [*one_sink, *every_sink, (*SOURCES, TRANSFORMS, *SINKS), *agents]


def named(paths: tuple[Path, ...]) -> str:
    """Return a composition's name for a test id."""
    return "+".join(path.stem for path in paths)
