"""The structure of the code and the tests: small folders, unique names, no test that imports another's conftest."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache

from tests.support.paths import ROOT, TESTS

PACKAGE = ROOT / "log_replay"
MODULES = sorted(PACKAGE.rglob("*.py"))
TEST_MODULES = sorted(TESTS.rglob("*.py"))
#: Django's own names for what it looks up, and a protocol that several rooms implement.
SHARED_NAMES = {"Command", "Migration"}
MOST_MODULES, MOST_LINES, LONGEST_TEST_NAME = 14, 400, 60


@cache
def nodes(path):
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def definitions(path, kind):
    return [node for node in nodes(path) if isinstance(node, kind)]


def test_every_path_on_the_map_exists():
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|yaml))?)`", text)
    assert len(paths) > 20
    assert [path for path in paths if not any((base / path).exists() for base in (PACKAGE, ROOT))] == []


def test_every_room_is_on_the_map():
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"docs", "migrations", "settings"}
    assert [room for room in sorted(rooms) if f"{room}/" not in text] == []


def test_no_folder_has_too_many_modules():
    counts = defaultdict(int)
    for path in MODULES:
        counts[path.parent.relative_to(ROOT)] += path.name != "__init__.py"
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_no_module_is_too_long():
    lengths = {path.relative_to(ROOT): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_public_classes_of_different_rooms_differ_in_name():
    rooms = defaultdict(set)
    for path in MODULES:
        room = path.relative_to(PACKAGE).parts[0]
        for node in definitions(path, ast.ClassDef):
            if not node.name.startswith("_") and node.name not in SHARED_NAMES and node.name != "Meta":
                rooms[node.name].add(room)
    assert {name: found for name, found in rooms.items() if len(found) > 1} == {}


def test_test_names_are_short_sentences():
    names = [node.name for path in TEST_MODULES for node in definitions(path, ast.FunctionDef)]
    assert [name for name in names if name.startswith("test_") and len(name) > LONGEST_TEST_NAME] == []


def test_no_test_imports_from_a_conftest():
    imports = [(path, node.module or "") for path in TEST_MODULES for node in definitions(path, ast.ImportFrom)]
    assert [(path, module) for path, module in imports if module.endswith("conftest")] == []
