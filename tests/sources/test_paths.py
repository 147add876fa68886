"""Several sources in one: files, folders, patterns and buckets."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log_replay.errors import ConfigurationError, ReadError
from log_replay.options.places import source_place
from log_replay.sources import open_source
from log_replay.sources.patterns import compiled
from tests.support.places import KEY, SECRET

NAMES = ["a", "b.log", "b.log.1", "logs", "x[1]", "é"]
TREES = st.dictionaries(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join),
    st.binary(max_size=8).map(b"x".__add__),  # no magic number of an archive begins with x
    min_size=1,
)


def open_paths(base, *typed):
    return open_source(*source_place(typed, str(base), {}))


def listed(source) -> dict[str, bytes]:
    source.check()
    return {obj.name: b"".join(source.read(obj)) for obj in source.objects()}


def write(base: Path, tree: dict[str, bytes]) -> dict[str, bytes]:
    """Write the files whose paths are not folders of other files, and return them."""
    files = {name: data for name, data in tree.items() if not any(other.startswith(f"{name}/") for other in tree)}
    for name, data in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(data)
    return files


@settings(max_examples=60, deadline=None)
@given(tree=TREES, data=st.data())
def test_each_file_is_listed_once_by_a_name_that_finds_it(tree, data):
    with TemporaryDirectory() as folder:
        base = Path(folder)
        files = write(base, tree)
        places = sorted({str(part) for name in files for part in [Path(name), *Path(name).parents]})
        spellings = [spelled for place in places for spelled in (place, f"./{place}", str(base / place))]
        typed = data.draw(st.lists(st.sampled_from(spellings), min_size=1, max_size=5))
        found = listed(open_paths(base, *typed))
        roots = [base / place for place in typed]
        wanted = {name for name in files if any(base / name == root or root in (base / name).parents for root in roots)}
        paths = {str((base / name).relative_to(base)): content for name, content in found.items()}
        assert paths == {name: files[name] for name in wanted}
        assert len(found) == len(paths)
        assert [*found] == sorted(found)
        for name, content in found.items():
            assert listed(open_paths(base, name)) == {name: content}


def test_patterns_match_files_and_folders(tmp_path):
    write(tmp_path, {"logs/a.log": b"a", "logs/b.txt": b"b", "more/sub/c.log": b"c", "x[1].log": b"x"})
    assert [*listed(open_paths(tmp_path, "logs/*.log", "m*e"))] == ["logs/a.log", "more/sub/c.log"]
    assert [*listed(open_paths(tmp_path, "**/*.log"))] == ["logs/a.log", "more/sub/c.log", "x[1].log"]
    assert [*listed(open_paths(tmp_path, "x[1].log"))] == ["x[1].log"]


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("a/*.log", "a/b.log", True), ("a/*.log", "a/b/c.log", False), ("a/**.log", "a/b/c.log", True),
        ("a/**/c.log", "a/c.log", True), ("a/?.log", "a/bc.log", False), ("a/[bc].log", "a/c.log", True),
        ("a/[!bc].log", "a/c.log", False), ("a/[^b].log", "a/c.log", True), ("a.log", "axlog", False),
        ("[]].log", "].log", True), ("a[", "a[", True), ("[\\d].log", "5.log", False),
    ],
)  # fmt: skip
def test_patterns_of_buckets(pattern, name, matches):
    assert bool(compiled(pattern).fullmatch(name)) == matches


def test_a_link_that_is_named_itself_is_followed(tmp_path):
    write(tmp_path, {"real/tracking.log.gz": gzip.compress(b"line\n"), "logs/a.log": b"a"})
    (tmp_path / "logs/current").symlink_to(tmp_path / "real/tracking.log.gz")
    assert listed(open_paths(tmp_path, "logs/current", "logs")) == {"logs/a.log": b"a", "logs/current": b"line\n"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["nosuch"], r"read nosuch: No such file or folder \(ls "),
        (["logs/a.lgo"], r"did you mean a.log\?"),
        (["*.gz"], r"list \*.gz: no file matches \(ls "),
        (["logs", "fifo"], r"fifo: it is not a regular file \(.*standard input"),
        ([""], "an empty text is not a path"),
        (["logs", "-"], "cannot be combined"),
    ],
)
def test_wrong_paths_are_found_before_anything_is_read(tmp_path, typed, said):
    write(tmp_path, {"logs/a.log": b"a"})
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigurationError, match=said):
        open_paths(tmp_path, *typed).check()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("typed", "said"), [
    ("shut", "read {base}/shut: Permission denied (ls -ld {base}/shut)"),
    ("shut/a.log", "read shut/a.log: Permission denied (ls {base}/shut)"),
    ("shut.log", "read {base}/shut.log: Permission denied (ls -ld {base}/shut.log)"),
    ("shut/*.log", "list shut/*.log: no file matches (ls {base}/shut)"),
])  # fmt: skip
def test_without_permission_nothing_is_read(typed, said):
    with TemporaryDirectory(dir="/tmp") as folder:
        write(Path(folder), {"shut/a.log": b"a", "shut.log": b"b"})
        Path(folder).chmod(0o755)
        (Path(folder) / "shut").chmod(0o700)
        (Path(folder) / "shut.log").chmod(0o600)
        source = open_paths(folder, typed)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.setresuid(65534, 65534, 65534)
            try:
                source.check()
            except ConfigurationError as error:
                os.write(writer, str(error).encode())
            finally:
                os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        assert os.read(reader, 4096).decode() == said.format(base=folder)
        os.close(reader)


def test_errors_name_the_object_as_it_was_typed(tmp_path):
    write(tmp_path, {"logs/a.log": b"a", "b.log": b"b"})
    source = open_paths(tmp_path, "logs", "b.log")
    source.check()
    for obj in source.objects():
        (tmp_path / obj.name).unlink()
        with pytest.raises(ReadError, match=re.escape(f"read {obj.name} at offset 0: No such file")):
            b"".join(source.read(obj))


def test_buckets_and_files_are_one_source(bucket, tmp_path, monkeypatch):
    bucket.put("2026/a.log", b"a")
    bucket.put("2026/b.log.gz", gzip.compress(b"b"))
    bucket.put("2025/c.log", b"c")
    write(tmp_path, {"logs/a.log": b"local"})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{bucket.port}")
    url = f"s3://{bucket.bucket}"
    assert listed(open_paths(tmp_path, "logs", f"{url}/2026")) == {
        "logs/a.log": b"local", f"{url}/2026/a.log": b"a", f"{url}/2026/b.log.gz": b"b"
    }  # fmt: skip
    assert [*listed(open_paths(tmp_path, f"{url}/2026/", f"{url}/*/*.log"))] == [
        f"{url}/2025/c.log", f"{url}/2026/a.log", f"{url}/2026/b.log.gz"
    ]  # fmt: skip
    assert [*listed(open_paths(tmp_path, f"{url}/2026/a.log"))] == [f"{url}/2026/a.log"]
    monkeypatch.setenv("MINIO_ACCESS_KEY", KEY)
    monkeypatch.setenv("MINIO_SECRET_KEY", SECRET)
    minio = f"minio://127.0.0.1:{bucket.port}/{bucket.bucket}"
    assert listed(open_paths(tmp_path, f"{minio}/2025?secure=no")) == {f"{minio}/2025/c.log": b"c"}
