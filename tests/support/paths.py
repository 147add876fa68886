"""Folders that tests refer to."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
SAMPLE = ROOT / "log_replay" / "standalone" / "sample"
