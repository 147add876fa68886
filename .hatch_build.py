"""Build hook: compile the C extension if there is a C compiler. Without it, the slower Python code is used."""

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
#: The extension uses the stable ABI of this Python version, so it also works in all later versions.
ABI = "cp311-abi3"


class CompileExtension(BuildHookInterface[Any]):
    """Compiles the extension into the source tree and adds it to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's interface
        """Compile the extension before the wheel is built."""
        if self.target_name != "wheel":
            return
        try:
            compiled = compile_into_tree(Path(self.root))
        except Exception as error:  # noqa: BLE001 - compilers fail in many ways, and the extension is optional
            self.app.display_warning(f"C extension not built; using the slower Python code: {error!r}")
            return
        build_data["artifacts"].append(compiled.as_posix())
        build_data["pure_python"] = False
        build_data["tag"] = f"{ABI}-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compile_into_tree(root: Path) -> Path:
    """Compile the extension, put it next to its sources, and return its path in the tree."""
    options = ["/O2"] if sys.platform == "win32" else ["-O3"]
    sources = sorted(str(source) for source in (root / SOURCES).glob("*.c"))
    extension = Extension(MODULE, sources, extra_compile_args=options, py_limited_api=True)
    with tempfile.TemporaryDirectory() as folder:
        command = Distribution({"ext_modules": [extension]}).get_command_obj("build_ext")
        command.build_lib = command.build_temp = folder
        command.ensure_finalized()
        command.run()
        (compiled,) = (Path(output) for output in command.get_outputs())
        target = SOURCES / compiled.name
        # Replaced in one step: a running process may have loaded the previous file.
        partial = shutil.copy(compiled, (root / target).with_suffix(".partial"))
        Path(partial).replace(root / target)
    return target
