"""The plugin is a distribution of its own: what it imports, its types, and what is in the wheels."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib

import log_replay
from tests.support.paths import ROOT
from tests.support.tutor_site import PLUGIN

PACKAGE = PLUGIN / "tutorlogreplay"
IN_CONTAINER = PACKAGE / "in_container"


def imported(path):
    """Return the names of the packages that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_the_plugin_imports_only_tutor_and_click():
    found = {path.name: imported(path) for path in PACKAGE.glob("*.py")}
    allowed = sys.stdlib_module_names | {"tutor", "click", "tutorlogreplay"}
    assert {name: names - allowed for name, names in found.items() if names - allowed} == {}


def test_what_runs_in_the_container_imports_nothing_else():
    found = {path.name: imported(path) for path in IN_CONTAINER.glob("*.py")}
    assert len(found) == 2
    assert [name for name, names in found.items() if names - sys.stdlib_module_names] == []


def test_log_replay_does_not_import_the_plugin():
    paths = [path for path in (ROOT / "log_replay").rglob("*.py") if PLUGIN not in path.parents]
    assert [path for path in paths if {"tutor", "tutorlogreplay"} & imported(path)] == []


def test_the_versions_are_the_same():
    assert f'__version__ = "{log_replay.__version__}"' in (PACKAGE / "__init__.py").read_text()


def test_the_plugin_depends_on_tutor_only():
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["tutor>=18"]


def test_the_wheel_of_log_replay_has_no_plugin():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["exclude"] == ["log_replay/tutor"]


def test_the_wheel_of_the_plugin_has_everything(plugin):
    def files(folder, package):
        found = (path.relative_to(folder) for path in (folder / package).rglob("*") if path.is_file())
        return {path for path in found if "__pycache__" not in path.parts}

    assert files(plugin, PACKAGE.name) == files(PLUGIN, PACKAGE.name)


def test_the_types_agree_with_tutors(tutor):
    cache = ["--cache-dir", str(tutor / "mypy")]
    options = ["--strict", "--implicit-reexport", "--config-file", os.devnull, *cache]
    types = ["--python-executable", str(tutor / "bin" / "python"), "--package", "tutorlogreplay"]
    command = [sys.executable, "-m", "mypy", *options, *types]
    done = subprocess.run(command, cwd=PLUGIN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
