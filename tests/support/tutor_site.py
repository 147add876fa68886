"""Tutor with the Aspects plugin, each release in a virtual environment of its own, and projects made with it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.servers import installed
from tests.tutor.recorders import containers

#: The oldest and the newest Tutor that install with an Aspects plugin.
RELEASES = {"oldest": ["tutor==18.2.2", "tutor-contrib-aspects==6.1.0"],
            "newest": ["tutor==22.0.2", "tutor-contrib-aspects==6.1.0"]}  # fmt: skip
PLUGIN = ROOT / "log_replay" / "tutor"
#: Copies of rendered projects, by their settings.
RENDERED: dict[str, Path] = {}
#: Other pairs of a release, a mode and a command than those that ``make test`` has time for.
endurance = pytest.mark.skipif(
    not os.environ.get("LOG_REPLAY_TUTOR_VARIANTS"), reason="a variant that `make endurance` runs"
)


def tutor_environment(release: str) -> Path:
    """Return the folder of a virtual environment with a release of Tutor, or skip the test."""
    requirements = [*RELEASES[release], "hatchling>=1.25"]

    def install(folder: Path, _requirement: str) -> None:
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if uv is None:
            raise OSError("uv is not installed")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder],
                       check=True, capture_output=True, text=True)  # fmt: skip
        subprocess.run([uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", *requirements],
                       check=True, capture_output=True, text=True)  # fmt: skip

    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return installed(f"tutor-{release}-{version}", " ".join(requirements), install)


def built_plugin(folder: Path, tutor: Path) -> Path:
    """Build the plugin's wheel and unpack it. Return the folder, for PYTHONPATH."""
    project = folder / "project"
    shutil.copytree(PLUGIN, project, ignore=shutil.ignore_patterns("__pycache__"))
    script = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    built = subprocess.run([tutor / "bin" / "python", "-c", script, folder], cwd=project, check=True,
                           capture_output=True, text=True)  # fmt: skip
    with zipfile.ZipFile(folder / built.stdout.split()[-1]) as wheel:
        wheel.extractall(folder / "plugin")
    return folder / "plugin"


class TutorProcess:
    """A process with Tutor that runs commands, see ``tutor_process.py``.

    Args:
        tutor: the virtual environment.
        plugin: the unpacked plugin.
    """

    def __init__(self, tutor: Path, plugin: Path) -> None:
        self._connection, other_end = socket.socketpair()
        with other_end:
            self._process = subprocess.Popen(
                [tutor / "bin" / "python", Path(__file__).with_name("tutor_process.py"), str(other_end.fileno())],
                env={**os.environ, "PYTHONPATH": str(plugin)}, pass_fds=[other_end.fileno()], stdin=subprocess.DEVNULL,
            )  # fmt: skip
        atexit.register(self.close)

    def close(self) -> None:
        self._connection.close()
        self._process.wait()

    def run(self, arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run ``tutor`` with these arguments and this environment."""
        request = json.dumps({"arguments": arguments, "environment": environment}).encode()
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors, Path(os.devnull).open("rb") as no:
            streams = [no.fileno(), output.fileno(), errors.fileno()]
            socket.send_fds(self._connection, [len(request).to_bytes(8, "big")], streams)
            self._connection.sendall(request)
            code = int.from_bytes(self._connection.recv(8, socket.MSG_WAITALL), "big", signed=True)
            texts = [os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0) for stream in (output, errors)]
        return subprocess.CompletedProcess(arguments, code, *(text.decode() for text in texts))


tutor_process = functools.cache(TutorProcess)


@dataclass
class TutorSite:
    """A project of Tutor, whose ``docker`` and ``kubectl`` are recorders.

    Args:
        folder: everything is in here.
        tutor: the virtual environment.
        plugin: the unpacked plugin.
    """

    folder: Path
    tutor: Path
    plugin: Path

    def __post_init__(self) -> None:
        for folder in (self.root, self.programs, self.objects, self.folder / "container"):
            folder.mkdir()
        self.settings: dict[str, Any] = {
            "log": str(self.log),
            "root": str(self.folder / "container"),
            "objects": str(self.objects),
            "kubectl": shutil.which("kubectl"),
            "claims": {},
            "images": {
                "openedx-log-replay": {"path": str(Path(sys.executable).parent)},
                "mysql": {"path": "/usr/bin"},
            },
        }
        self.save_settings()
        for name in ("docker", "kubectl"):
            script = self.programs / name
            script.write_text(
                f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
                f"from tests.tutor.recorders.{name} import main\nsys.exit(main())\n"
            )
            script.chmod(0o755)

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    @property
    def objects(self) -> Path:
        return self.folder / "objects"

    @property
    def log(self) -> Path:
        return self.folder / "recorded.jsonl"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "PATH": f"{self.programs}:{self.tutor / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": str(self.plugin),
            "TUTOR_ROOT": str(self.root),
            "TUTOR_PLUGINS_ROOT": str(self.folder / "no-plugins"),
        }

    def save_settings(self) -> None:
        (self.programs / "recorder.json").write_text(json.dumps(self.settings))

    def __call__(self, *arguments: str | bytes) -> subprocess.CompletedProcess[str]:
        """Run ``tutor``."""
        return tutor_process(self.tutor, self.plugin).run(list(map(os.fsdecode, arguments)), self.environment)

    def set_up(self, *plugins: str, **config: Any) -> TutorSite:
        """Save a configuration with these plugins. An empty project is rendered once for each configuration."""
        path = self.root / "config.yml"
        rendered = None
        if not path.exists():
            key = repr((self.tutor, self.plugin, plugins, sorted(config.items())))
            rendered = RENDERED.setdefault(key, self.folder / "rendered")
            if rendered.exists():
                shutil.copytree(rendered, self.root, dirs_exist_ok=True)
                return self
        known = yaml.safe_load(path.read_text()) if path.exists() else {}
        path.write_text(yaml.safe_dump({**known, "PLUGINS": sorted({*known.get("PLUGINS", []), *plugins}), **config}))
        done = self("config", "save")
        assert done.returncode == 0, done.stdout + done.stderr
        if rendered:
            shutil.copytree(self.root, rendered)
        return self

    def recorded(self, program: str) -> list[dict[str, Any]]:
        """Return what a recorder has recorded."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in map(json.loads, lines) if line["program"] == program]

    def config(self) -> dict[str, Any]:
        return yaml.safe_load((self.root / "config.yml").read_text())

    def value(self, name: str) -> str:
        return self("config", "printvalue", name).stdout.strip()


def needs_containers() -> None:
    """Skip the test if this machine cannot run the recorders' jobs."""
    if not containers.can_run():
        pytest.skip("jobs run in mount namespaces, which need root or user namespaces, and unshare")


def needs_kubectl() -> None:
    """Skip the test if there is no kubectl, whose kustomize renders the manifests."""
    if not shutil.which("kubectl"):
        pytest.skip("the manifests are rendered with `kubectl kustomize`: install kubectl")
