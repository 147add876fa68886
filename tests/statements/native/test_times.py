"""Timestamps and durations are equal to those of the libraries that upstream uses."""

from datetime import timedelta, timezone

import pytest
from event_routing_backends import helpers
from hypothesis import example, given
from hypothesis import strategies as st
from tincan.conversions.iso8601 import jsonify_datetime, jsonify_timedelta, make_datetime

from log_replay.statements.native import times
from log_replay.statements.native.fields import UnsupportedEvent, UpstreamRejects
from tests.support.transformers import result_of

finite = st.floats(allow_nan=False, allow_infinity=False)
seconds = st.one_of(
    st.floats(min_value=-1e9, max_value=1e9),
    st.floats(min_value=0, max_value=90_000),
    st.integers(0, 10**11).map(lambda microseconds: microseconds / 1e6),
    st.integers(0, 10**8).map(lambda milliseconds: milliseconds / 1e3),
    st.integers(-(10**9), 10**9),
    st.sampled_from([0, -0.0, True, 5e-7, 1.5e-6, 2.5e-6, 59.9999996, 60, 3600.5, 86399.9999996, 86400, 86400.5]),
)
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
valid_times = st.builds(
    lambda datetime_, places, zone, separator: (
        datetime_.isoformat(separator, timespec="microseconds")[: 20 + places].rstrip(".")
        + {"colon": datetime_.isoformat()[-6:], "no colon": datetime_.strftime("%z")}.get(zone, zone)
    ),
    st.datetimes(timezones=offsets),
    st.integers(0, 6),
    st.sampled_from(["colon", "no colon", "Z", ""]),
    st.sampled_from(["T", "T", " "]),
)
anything = st.one_of(
    valid_times,
    st.text(alphabet="0123456789-:.TZ+ ", max_size=35),
    st.text(),
    st.none(),
    st.integers(),
    st.floats(),
    st.lists(st.integers(0, 3000), max_size=7),
)


@given(anything)
@example("2026-03-02T08:15:27.000000+00:00")
@example("2026-03-02T08:15:27.913562-00:00")
@example("2026-03-02T24:00:00Z")
@example("2026-03-02T23:59:60Z")
@example("2026-03-02T08:15:27+05:60")
@example("2026-03-02T08:15:27-0000")
@example("2026-03-02T08:15:27+9900")
@example("2026-02-30T08:15:27Z")
@example("2026-03-02T08:15:60Z")
@example("2026-03-02T08:15:27.913562+00:00\n")
def test_xapi_timestamps_are_upstreams(time):
    ours, theirs = result_of(lambda: times.xapi_timestamp(time)), result_of(lambda: make_datetime(time))
    if isinstance(ours, UpstreamRejects):
        assert ours.reason == type(theirs).__name__
    elif not isinstance(ours, UnsupportedEvent):
        assert ours == jsonify_datetime(theirs)


@given(anything)
@example("2026-03-02T08:15:27.913562-00:00")
@example("2026-03-02T08:15:27.9+05:30")
@example("0001-01-01T00:00:00+10:00")
@example("0001-01-01T00:00:00-10:00")
@example("Mon, 02 Mar 2026 08:15:27 GMT")
@example("1900-01-01T00:00:00+10:00")
@example("2999-12-31T23:59:59.999999-10:00")
@example("2024-02-29T08:15:27.913562+00:00")
@example("2026-02-29T08:15:27.913562+00:00")
@example("2026-04-31T08:15:27.913562+00:00")
@example("2026-12-31T24:00:00.000000+00:00")
@example("2026-12-31T23:59:60.000000+00:00")
@example("2026-03-02T08:15:27.91356٢+00:00")
def test_caliper_times_are_upstreams(time):
    ours, theirs = (
        result_of(lambda: times.caliper_time(time)),
        result_of(lambda: helpers.convert_datetime_to_iso(time)),
    )
    if isinstance(ours, UpstreamRejects):
        assert ours.reason == type(theirs).__name__
    else:
        assert ours == theirs


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-02T08:15:27.913562+00:00",
        "2024-02-29T00:00:00.000000+00:00",
        "2026-04-30T23:59:59.999999+00:00",
        "2026-03-02T08:15:27Z",
    ],
)
def test_the_times_that_the_lms_writes_are_supported(time):
    assert times.xapi_timestamp(time) == jsonify_datetime(make_datetime(time))
    assert times.caliper_time(time) == helpers.convert_datetime_to_iso(time)


@given(seconds)
def test_xapi_durations_are_upstreams(value):
    assert times.xapi_duration(value) == jsonify_timedelta(timedelta(seconds=value))


@given(seconds)
def test_caliper_durations_are_upstreams(value):
    assert times.caliper_duration(value) == helpers.convert_seconds_to_iso(value)


@given(st.one_of(finite, finite.map(str), st.integers(), st.booleans(), st.decimals(allow_nan=False).map(str)))
def test_seconds_with_three_decimals_are_upstreams(value):
    assert repr(times.decimal_seconds(value)) == repr(helpers.convert_seconds_to_float(value))
