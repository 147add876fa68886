"""Rows in RowBinary, decoded by this test's own reader."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.clickhouse.rows import UnstorableStatement, line_row, statement_row
from log_replay.records import Statement

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2261, 12, 30), timezones=ZONES)  # noqa: DTZ001 - it adds zones
TEXTS = st.one_of(
    st.binary(max_size=300), st.integers(0, 40_000).map(bytes), st.sampled_from([127, 128, 16383, 16384]).map(bytes)
)


def read_text(data: bytes) -> bytes:
    length = shift = at = 0
    while True:
        length |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            break
    assert len(data) == at + length
    return data[at:]


@given(st.uuids(), MOMENTS, TEXTS, st.sampled_from(["{}", "urn:uuid:{}"]), st.booleans())
def test_row_decodes_to_the_statement(identifier, moment, text, id_format, upper):
    uuid = str(identifier).upper() if upper else str(identifier)
    row = b"".join(statement_row(Statement(id_format.format(uuid), moment.isoformat(), text)))
    high, low, microseconds = struct.unpack("<QQq", row[:24])
    assert UUID(int=high << 64 | low) == identifier
    assert EPOCH + timedelta(microseconds=microseconds) == moment
    assert read_text(row[24:]) == text


REASONS = {"its id is not a UUID", "its timestamp cannot be read", "its timestamp is out of range"}


@given(st.text(max_size=50), st.text(max_size=50))
def test_unstorable_statement_has_a_reason_without_content(identifier, time):
    for statement in (Statement(identifier, "2026-03-01T00:00:00Z", b""), Statement(str(UUID(int=1)), time, b"")):
        try:
            statement_row(statement)
        except UnstorableStatement as error:
            reason = str(error)
        else:
            continue
        assert reason in REASONS


@pytest.mark.parametrize(("year", "second"), [(1900, 0), (2026, 1772323200), (2261, 2**32 - 1)])
def test_line_time_out_of_range_becomes_the_nearest(year, second):
    row = b"".join(line_row(datetime(year, 3, 1, tzinfo=UTC), b"{}"))
    assert struct.unpack("<I", row[:4]) == (second,)
    assert read_text(row[4:]) == b"{}"
