"""Wheels: with the C extension if there is a C compiler, without it otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

UV = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
COMPILER = sysconfig.get_config_var("CC")

pytestmark = pytest.mark.skipif(UV is None, reason="uv is not installed: pip install uv")


@pytest.fixture
def sources(tmp_path):
    """A copy of the published sources, without compiled files."""
    folder = tmp_path / "sources"
    shutil.copytree(ROOT / "log_replay", folder / "log_replay", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in (".hatch_build.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def wheel_of(sources: Path, **environment: str) -> tuple[str, list[str]]:
    """Build a wheel; return its name and the names of its files."""
    command = [UV, "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", sources / "dist", sources]
    subprocess.run(command, check=True, env={**os.environ, **environment}, capture_output=True)
    (wheel,) = (sources / "dist").glob("*.whl")
    return wheel.name, zipfile.ZipFile(wheel).namelist()


@pytest.mark.skipif(
    not COMPILER or shutil.which(COMPILER.split()[0]) is None, reason="no C compiler: apt-get install gcc python3-dev"
)
def test_wheel_contains_the_extension_for_the_stable_abi(sources):
    name, files = wheel_of(sources)
    assert "-cp311-abi3-" in name
    assert any(file.startswith("log_replay/_speedups/functions.") for file in files)


def test_wheel_without_a_compiler_is_pure_python(sources):
    name, files = wheel_of(sources, CC="/no/such/compiler")
    assert name.endswith("-py3-none-any.whl")
    assert "log_replay/events/prefilter.py" in files
    assert not any(file.startswith("log_replay/_speedups/functions.") for file in files)
