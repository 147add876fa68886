"""Compressed objects: recognised by content, with any number of members, read up to the first damage."""

import bz2
import gzip
import io
import lzma
import random
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log_replay.errors import DamagedObject, ReadError
from log_replay.sources.codecs import HEAD_BYTES, codec_of, is_compressed
from log_replay.sources.decompression import CHUNK_BYTES, decompressed, read_decompressed
from log_replay.storage.zstd import zstd


def compress_zstd(data):
    """Compress with a checksum, as zstd(1) does."""
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


COMPRESS = {"gzip": gzip.compress, "zstd": compress_zstd, "bzip2": bz2.compress, "xz": lzma.compress}
CODECS = pytest.mark.parametrize("codec", COMPRESS)
MIB = 1 << 20


def log(lines, seed=0):
    """Return lines that compress to about half of their size."""
    numbers = random.Random(seed)
    return b"".join(
        b'{"name": "problem_check", "id": "%s"}\n' % numbers.randbytes(12).hex().encode() for _ in range(lines)
    )


def chunked(data, chunk_bytes):
    return [data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes)]


def decompress(data, chunk_bytes=1000):
    """Return the decompressed data, and the damage if there is any."""
    found = []
    try:
        found.extend(decompressed(chunked(data, chunk_bytes), codec_of(data), "log"))
    except DamagedObject as damage:
        return b"".join(found), damage
    return b"".join(found), None


@CODECS
@given(members=st.lists(st.binary(max_size=300), min_size=1, max_size=5), chunk_bytes=st.integers(1, 200))
def test_all_members_are_decompressed_for_any_chunk_size(codec, members, chunk_bytes):
    data = b"".join(map(COMPRESS[codec], members))
    assert decompress(data, chunk_bytes) == (b"".join(members), None)


@CODECS
def test_zeros_between_and_after_members_are_padding(codec):
    member = COMPRESS[codec](b"a line\n")
    assert decompress(member + bytes(1000) + member + bytes(3000)) == (b"a line\na line\n", None)


@pytest.mark.parametrize("nibble", [0, 15])
def test_skippable_zstd_frames_are_skipped(nibble):
    skippable = bytes([0x50 + nibble, 0x2A, 0x4D, 0x18]) + (300).to_bytes(4, "little") + bytes(300)
    frame = zstd.compress(b"a line\n")
    assert decompress(skippable + frame + skippable + skippable + frame) == (b"a line\na line\n", None)


@CODECS
def test_codec_is_recognised_by_the_first_bytes(codec):
    assert codec_of(COMPRESS[codec](b"")[:10]).name == codec
    assert is_compressed(COMPRESS[codec](b"a line\n")[:10])


@pytest.mark.parametrize(
    "head", [b"", b"\x1f", b'{"name": ', b"BZh9 is not a magic", b"BZh0\x31AY&SY", b"\xef\xbb\xbf{", b"PK", b"\xfd7z"]
)
def test_plain_text_is_not_recognised_as_compressed(head):
    assert not is_compressed(head)


@CODECS
def test_truncated_data_yields_a_prefix_and_damage(codec):
    lines = log(400)
    data = COMPRESS[codec](lines[:9000]) + COMPRESS[codec](lines[9000:])
    between = len(COMPRESS[codec](lines[:9000]))
    for cut in [*range(6 if codec == "xz" else 4, len(data), 97), between - 1, between + 1, len(data) - 1]:
        found, damage = decompress(data[:cut])
        assert lines.startswith(found)
        assert damage is not None
        assert damage.offset == len(found)
        # Everything before the cut is complete.
        assert len(found) >= (9000 if cut > between else 0)


@CODECS
@settings(max_examples=200)
@given(at=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_corrupt_byte_yields_a_prefix_and_damage(codec, at, flip):
    lines = log(200)
    data = bytearray(COMPRESS[codec](lines[:5000]) + COMPRESS[codec](lines[5000:]))
    # After the head, which identifies the format.
    position = HEAD_BYTES + int(at * (len(data) - HEAD_BYTES))
    data[position] ^= flip
    found, damage = decompress(bytes(data))
    # A checksum covers the content. A wrong byte in a header may have no effect, or be detected at the member's end.
    assert damage is not None or found == lines
    assert damage is None or damage.offset == len(found)
    if position >= len(COMPRESS[codec](lines[:5000])):
        assert found[:5000] == lines[:5000]


def test_gzip_yields_every_byte_before_the_damage():
    lines = log(2000)
    data = bytearray(gzip.compress(lines))
    middle = len(data) // 2
    intact, _ = decompress(bytes(data[:middle]))
    data[middle : middle + 50] = b"\xff" * 50
    for chunk_bytes in (1 << 16, 100, 1):
        found, damage = decompress(bytes(data), chunk_bytes)
        assert found.startswith(intact)
        assert damage is not None


@CODECS
def test_text_after_the_last_member_is_damage(codec):
    found, damage = decompress(COMPRESS[codec](b"a line\n") + b"and some text")
    assert found == b"a line\n"
    assert str(damage) == (
        f"read log at offset 7: its {codec} data is corrupt"
        " (everything before the damage was read; replace the object by an undamaged copy)"
    )


@CODECS
def test_decompression_bomb_yields_bounded_chunks(codec):
    data = COMPRESS[codec](bytes(64 * MIB))
    sizes = [len(chunk) for chunk in decompressed([data], codec_of(data), "log")]
    assert sum(sizes) == 64 * MIB
    assert max(sizes) <= CHUNK_BYTES


@CODECS
def test_many_empty_members_are_read(codec):
    assert decompress(COMPRESS[codec](b"") * 2000 + COMPRESS[codec](b"end")) == (b"end", None)


@CODECS
def test_read_error_has_offset_in_decompressed_bytes(codec):
    lines = log(500)
    data = COMPRESS[codec](lines)

    def breaking():
        yield data + data[:500]
        raise ReadError("reset", offset=len(data) + 500)

    found = []
    with pytest.raises(ReadError) as caught:
        found.extend(decompressed(breaking(), codec_of(data), "log"))
    assert caught.value.offset == len(b"".join(found)) >= len(lines)


@CODECS
@given(window=st.tuples(st.integers(0, 3000), st.none() | st.integers(0, 3000)))
def test_range_is_in_decompressed_bytes(codec, window):
    lines = log(40)
    data = COMPRESS[codec](lines)

    def read_raw(start, end):
        yield from chunked(data[start:end], 7)

    start, end = window
    assert (
        b"".join(read_decompressed(read_raw, "log", start, end))
        == lines[start : max(start, end or 0) if end is not None else None]
    )


def test_range_of_plain_object_reads_only_the_range():
    asked = []

    def read_raw(start, end):
        asked.append((start, end))
        yield b"plain text that goes on"[start:end]

    assert b"".join(read_decompressed(read_raw, "log", 6, 10)) == b"text"
    assert asked == [(0, 10), (6, 10)]


def zipped(data):
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("tracking.log", data)
        return file.getvalue()


def read_all(data, start=0):
    def read_raw(begin, end):
        yield from chunked(data[begin:end], 7)

    return b"".join(read_decompressed(read_raw, "log", start, None))


UNSUPPORTED = {
    "zip": zipped(b"a line\n"),
    "UTF-16 or UTF-32": b'{"name": 1}\n'.decode().encode("utf-16"),
    "7z": b"7z\xbc\xaf\x27\x1c and more",
    "lz4": b"\x04\x22\x4d\x18 and more",
    "lzma": lzma.compress(b"a line\n", lzma.FORMAT_ALONE),
}


@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unsupported_format_is_named(name, start):
    assert is_compressed(UNSUPPORTED[name][:HEAD_BYTES])
    with pytest.raises(ReadError) as caught:
        read_all(UNSUPPORTED[name], start)
    assert str(caught.value) == (
        f"read log at offset 0: it is {name}"
        " (convert it to UTF-8 text, plain or compressed once with gzip, zstd, bzip2 or xz)"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_utf_16_and_utf_32_are_recognised(encoding):
    with pytest.raises(ReadError, match="it is UTF-16 or UTF-32 "):
        read_all('{"name": 1}\n'.encode(encoding))


@CODECS
def test_unsupported_format_in_a_compressed_object_is_named(codec):
    for name, data in UNSUPPORTED.items():
        with pytest.raises(ReadError, match=f"it is {name} in {codec} "):
            read_all(COMPRESS[codec](data))


@CODECS
@pytest.mark.parametrize("inner", COMPRESS)
def test_object_that_was_compressed_twice_is_named(codec, inner):
    with pytest.raises(ReadError, match=f"it is {inner} in {codec} "):
        read_all(COMPRESS[codec](COMPRESS[inner](log(100))))


def test_xz_file_that_needs_too_much_memory_is_damage():
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 30}]
    data = bytearray(lzma.compress(b"a line\n", filters=filters))
    found, damage = decompress(bytes(data))
    assert found == b""
    assert "xz data is corrupt" in str(damage)
