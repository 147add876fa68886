"""Memory is bounded for objects and lines of any size."""

import bz2
import gzip
import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in /proc: run the tests on Linux")

MIB = 1 << 20

#: Script for a separate process: read one object, print the number of lines and the memory used.
MEASURE = """
import json, re, sys
from log_replay.pipeline.lines import blocks
from log_replay.records import lines_of
from log_replay.sources import open_source
source = open_source("LOCAL", {"key": sys.argv[1], "container": "logs"})
lines = oversized = 0
for obj in source.objects():
    for block in blocks(source.read(obj), object=obj.name):
        lines += sum(1 for _ in lines_of(block))
        oversized += len(block.oversized)
# Not ru_maxrss: it includes the memory of the parent process.
rss_bytes = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
print(json.dumps({"lines": lines, "oversized": oversized, "rss_bytes": rss_bytes}))
"""


@pytest.fixture
def logs(tmp_path):
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def measure(logs):
    command = [sys.executable, "-c", MEASURE, str(logs.parent)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def test_line_of_200_mb_is_not_kept_in_memory(logs):
    with (logs / "tracking.log").open("wb") as file:
        file.write(b"before\n")
        # Sparse: these zeros use no disk space.
        file.seek(200 * MIB)
        file.write(b"\nafter\n")
    found = measure(logs)
    assert (found["lines"], found["oversized"]) == (2, 1)
    assert found["rss_bytes"] < 120 * MIB


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress], ids=["gzip", "bzip2"])
def test_decompression_bomb_is_not_kept_in_memory(logs, compress):
    bomb = compress(b"before\n") + compress(bytes(20 * MIB)) * 10 + compress(b"\nafter\n")
    (logs / "tracking.log").write_bytes(bomb)
    found = measure(logs)
    assert (found["lines"], found["oversized"]) == (2, 1)
    assert found["rss_bytes"] < 120 * MIB


def test_many_lines_are_not_kept_in_memory(logs):
    line = b"x" * 1299 + b"\n"
    with (logs / "tracking.log").open("wb") as file:
        for _ in range(300):
            file.write(line * 1000)
    found = measure(logs)
    assert (found["lines"], found["oversized"]) == (300_000, 0)
    assert found["rss_bytes"] < 60 * MIB
