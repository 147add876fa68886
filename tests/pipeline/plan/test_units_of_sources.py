"""Units of objects in real sources."""

from __future__ import annotations

import gzip

import pytest

from log_replay.pipeline.plan import cut_into_units
from log_replay.pipeline.plan.units import read_unit
from log_replay.records import SourceObject, lines_of
from log_replay.sources import open_source


@pytest.fixture(params=["LOCAL", "MINIO"])
def place(request, tmp_path):
    """Return a provider, its configuration, and a function that writes an object."""
    if request.param == "MINIO":
        s3 = request.getfixturevalue("s3")
        return "MINIO", s3.config, s3.write
    (tmp_path / "logs").mkdir()
    config = {"key": str(tmp_path), "container": "logs"}
    return "LOCAL", config, lambda name, content: (tmp_path / "logs" / name).write_bytes(content)


@pytest.mark.parametrize("unit_size", [7_000, 64_000, 10_000_000])
def test_units_together_have_the_lines_of_the_log(place, sample_log, unit_size):
    provider, config, write = place
    write("a.log", sample_log)
    write("b.log.gz", gzip.compress(sample_log))
    source = open_source(provider, config)
    found = [entry for entry in source.objects() if isinstance(entry, SourceObject)]
    units = list(cut_into_units(found, unit_size, source.is_compressed))
    assert sum(unit.object.name == "b.log.gz" for unit in units) == 1
    for name in ("a.log", "b.log.gz"):
        blocks = [block for unit in units if unit.object.name == name for block in read_unit(source, unit)]
        assert b"\n".join(line for block in blocks for line, _ in lines_of(block)) == sample_log.removesuffix(b"\n")
        offsets = [offset for block in blocks for _, offset in lines_of(block)]
        assert all(sample_log[offset - 1 : offset] in {b"", b"\n"} for offset in offsets)
