"""A process that loses the network to the database of its ledger, in a network namespace of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from tests import generate_log
from tests.support import database_servers

LEASE_SECONDS = 3.0
#: Private addresses that no other network of this machine should have.
HERE, THERE = "10.213.7.1", "10.213.7.2"
PROGRAM = "from log_replay.management.main import main; main()"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def namespace():
    """A network namespace with one interface, whose other end is here. Return both names."""
    name, here = f"replay-{os.getpid()}", f"rp{os.getpid()}"
    if not shutil.which("ip"):
        pytest.skip("this test needs network namespaces: apt-get install iproute2")
    try:
        ip("netns", "add", name)
    except subprocess.CalledProcessError:
        pytest.skip("this test needs network namespaces: run it as root")
    try:
        ip("link", "add", here, "type", "veth", "peer", "name", "there", "netns", name)
        ip("address", "add", f"{HERE}/30", "dev", here)
        ip("link", "set", here, "up")
        ip("-netns", name, "address", "add", f"{THERE}/30", "dev", "there")
        ip("-netns", name, "link", "set", "there", "up")
        yield name, here
    finally:
        ip("netns", "delete", name)


@pytest.fixture
def started(namespace, tmp_path_factory, tmp_path):
    """Return a function that starts a process of a run, in the namespace or here, and the folder of its files."""
    (tmp_path / "logs").mkdir()
    lines = generate_log.lines(count=1500, known=0.6, users=60, courses=5, seed=11)
    (tmp_path / "logs" / "a.log").write_bytes(b"".join(lines))
    identities = generate_log.identities(users=50, courses=5)
    with database_servers.mariadb(tmp_path_factory.mktemp("mariadb"), identities, HERE) as server:
        here = json.loads(server.environment["TESTS_DATABASE"])
        timeouts = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), 1)
        there = {**here, "USER": "replay", "HOST": HERE, "OPTIONS": {"charset": "utf8mb4", **timeouts}}
        processes = []

        def place(folder: str) -> str:
            return json.dumps({"key": str(tmp_path), "container": folder})

        def start(run: str, *options: str, in_namespace: bool) -> subprocess.Popen[bytes]:
            (tmp_path / run).mkdir(exist_ok=True)
            command = [
                sys.executable, "-c", PROGRAM, "replay_tracking_logs", "--transformer_type", "xapi", "--log_to", "null",
                "--source_provider", "LOCAL", "--source_config", place("logs"), "--destination_provider", "LOCAL",
                "--destination_config", place(run), "--add_external_ids", "no", "--unit_size", "400KB",
                "--batch_size", "10", "--run", run, *options,
            ]  # fmt: skip
            database = {**server.environment, "TESTS_DATABASE": json.dumps(there if in_namespace else here)}
            enter = ["ip", "netns", "exec", namespace[0]] if in_namespace else []
            with (tmp_path / "log").open("ab") as log:
                processes.append(subprocess.Popen([*enter, *command], env=database, stderr=log))
            return processes[-1]

        yield start
        for process in processes:
            process.kill()
            process.wait()


def test_process_stops_delivering_before_its_lease_ends(started, namespace, tmp_path):
    join = ["--join", "--lease_secs", str(LEASE_SECONDS)]
    alone = started("alone", in_namespace=False)
    assert alone.wait(120) == 0, (tmp_path / "log").read_text()
    slow = started("lost", *join, "--sleep_between_batches_secs", "0.1", in_namespace=True)
    out = tmp_path / "lost"
    while len(list(out.glob("xapi*"))) < 5:
        assert slow.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.02)
    ip("link", "set", namespace[1], "down")
    lost = time.time()
    time.sleep(LEASE_SECONDS + 1)
    assert slow.poll() is None, (tmp_path / "log").read_text()
    written = {path.name: path.stat().st_mtime for path in out.glob("xapi*")}
    assert max(written.values()) < lost + LEASE_SECONDS
    assert len(written) < len(list((tmp_path / "alone").glob("xapi*")))
    # Another process takes over the rest, and finishes the run.
    other = started("lost", *join, in_namespace=False)
    assert other.wait(120) == 0, (tmp_path / "log").read_text()
    ip("link", "set", namespace[1], "up")
    assert slow.wait(120) == 0, (tmp_path / "log").read_text()
    contents = [
        {path.name.split("_")[3]: path.read_bytes() for path in folder.glob("xapi*")}
        for folder in (tmp_path / "alone", out)
    ]
    assert contents[0] == contents[1]
