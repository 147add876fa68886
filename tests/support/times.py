"""Times as logs and statements have them, and texts that nearly are times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

TIMES = st.one_of(
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))])).map(datetime.isoformat),
    st.from_regex(
        r"[12]\d{3}-[0-3]\d-[0-4]\d[T ][0-3]\d:[0-7]\d:[0-7]\d(\.\d{0,7})?(Z|[+-]\d\d:?\d\d|x)?", fullmatch=True
    ),
    st.text(max_size=30),
)
