"""The headers of the files in ``vector/`` are complete and correct."""

from __future__ import annotations

import re

import pytest

from tests.support.vector.shipped import COMPONENTS, DEFAULTED, REFERENCE, ROOT, VECTOR

FILES = [*COMPONENTS, *sorted((VECTOR / "tests").glob("*.yaml"))]


def header(path):
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return "\n".join(lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_header_says_what_it_needs_and_how_to_run_it(path):
    text = header(path)

    assert "Run:" in text
    assert "Needs:" in text or path.parent.name == "tests"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_header_names_existing_files_and_its_own(path):
    named = set(re.findall(r"vector/[\w/.*-]+\.yaml", header(path)))

    assert all(list(ROOT.glob(name)) for name in named)
    assert str(path.relative_to(ROOT)) in named


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_reference_to_the_environment_has_a_default(path):
    # Vector 0.54 fails on a reference without a default, also within a comment.
    text = path.read_text()

    assert [found for found in REFERENCE.findall(text) if not DEFAULTED.fullmatch(found)] == []


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_header_names_every_setting(path):
    assert {name for name, _ in DEFAULTED.findall(path.read_text())} <= set(
        re.findall(r"[A-Z][A-Z0-9_]+", header(path))
    )


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_header_names_every_default(path):
    words = header(path)

    for name, default in DEFAULTED.findall(path.read_text()):
        assert default in words or default == "xapi,caliper,tracking", name
