"""What is built of the sources: a wheel with what is compiled, and one without it where nothing can compile."""

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

pytestmark = pytest.mark.skipif(UV is None, reason="no uv builds wheels here: pip install uv")


@pytest.fixture
def sources(tmp_path):
    """The sources as they are published, without anything that was compiled of them."""
    folder = tmp_path / "sources"
    shutil.copytree(ROOT / "log_replay", folder / "log_replay", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in (".hatch_build.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def wheel_of(sources: Path, **environment: str) -> tuple[str, list[str]]:
    """Build, and return the wheel's name, and those of what is in it."""
    command = [UV, "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", sources / "dist", sources]
    subprocess.run(command, check=True, env={**os.environ, **environment}, capture_output=True)
    (wheel,) = (sources / "dist").glob("*.whl")
    return wheel.name, zipfile.ZipFile(wheel).namelist()


@pytest.mark.skipif(
    not COMPILER or shutil.which(COMPILER.split()[0]) is None, reason="no C compiler: apt-get install gcc python3-dev"
)
def test_a_wheel_is_compiled_for_every_python_of_its_platform(sources):
    name, files = wheel_of(sources)
    assert "-cp311-abi3-" in name
    assert any(file.startswith("log_replay/_speedups/functions.") for file in files)


def test_without_a_compiler_a_wheel_is_for_every_platform(sources):
    name, files = wheel_of(sources, CC="/no/such/compiler")
    assert name.endswith("-py3-none-any.whl")
    assert "log_replay/events/prefilter.py" in files
    assert not any(file.startswith("log_replay/_speedups/functions.") for file in files)
