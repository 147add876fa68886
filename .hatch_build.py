"""Compiles what can be, when the package is installed or built; without a C compiler, all of it stays Python."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension

MODULE = "log_replay._speedups.functions"
SOURCES = Path("log_replay/_speedups")
#: The oldest Python whose stable ABI the module is compiled for: the module is the same for all later ones.
ABI = "cp311-abi3"


class Compiled(BuildHookInterface[Any]):
    """Puts the compiled module beside its sources, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's interface
        """Compile, before the wheel is put together."""
        if self.target_name != "wheel":
            return
        try:
            compiled = compile_into_tree(Path(self.root))
        except Exception as error:  # noqa: BLE001 - there are as many reasons as compilers; none keeps it from working
            self.app.display_warning(f"everything stays Python, which takes longer: {error!r}")
            return
        build_data["artifacts"].append(compiled.as_posix())
        build_data["pure_python"] = False
        build_data["tag"] = f"{ABI}-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compile_into_tree(root: Path) -> Path:
    """Compile the module to beside its sources, and return its path in the tree."""
    options = ["/O2"] if sys.platform == "win32" else ["-O3"]
    sources = sorted(str(source) for source in (root / SOURCES).glob("*.c"))
    extension = Extension(MODULE, sources, extra_compile_args=options, py_limited_api=True)
    with tempfile.TemporaryDirectory() as folder:
        command = Distribution({"ext_modules": [extension]}).get_command_obj("build_ext")
        command.build_lib = command.build_temp = folder
        command.ensure_finalized()
        command.run()
        (made,) = (Path(output) for output in command.get_outputs())
        place = SOURCES / made.name
        # Put in its place whole: a process that runs may have loaded the one before.
        partial = shutil.copy(made, (root / place).with_suffix(".partial"))
        Path(partial).replace(root / place)
    return place
