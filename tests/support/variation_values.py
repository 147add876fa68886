"""The values that variations put into events: values of real logs, invalid values, and unexpected ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.support import sample_identities as who
from tests.support.sample_log import FOREIGN_COURSE, UNKNOWN_COURSE

#: A field with this value is removed.
MISSING = object()
LONG = "x" * 5_000
RETIRED_NAME = next(iter(who.RETIRED.values()))
RETIRED_HASH = who.retired_user(11, RETIRED_NAME)["username"]

COURSES = [
    *who.COURSES,
    UNKNOWN_COURSE,
    FOREIGN_COURSE,
    "",
    "course-v1:",
    "a/b",
    "library-v1:ExampleX+LIB",
    " " + who.ASTRO,
]

#: User ids and names of users that exist.
PEOPLE = [3, 4, "3", "ada", "李雷", "مريم", 5.0, 13, "1984", RETIRED_NAME, RETIRED_HASH, 11]
UNKNOWN_PEOPLE = [
    None,
    "",
    0,
    False,
    999,
    "999",
    "ghost",
    10,
    12,
    "noor",
    -3,
    10**20,
    "1e3",
    3.7,
    "3.0",
    " 3 ",
    "٣",
    "1_3",
    True,
]
INVALID_PEOPLE = [[3], {"id": 3}, [], {}]

TIMES = [
    "2026-03-02T08:15:27.913562+00:00",
    "2026-03-02T08:15:27.913562Z",
    "2026-03-02T08:15:27.913562",
    "2026-03-02T08:15:27+00:00",
    "2026-03-02T08:15:27Z",
    "2026-03-02T08:15:27.9+05:30",
    "2026-03-02T08:15:27.913562-0800",
    "2026-03-02T08:15:27.000000+00:00",
    "2026-03-02T08:15:27,913+00:00",
    "2026-03-02 08:15:27.913562+00:00",
    "2026-03-02 08:15:27",
    "2026-03-02T08:15Z",
    "2026-03-02",
    "20260302T081527Z",
    "2026-03-02T23:59:60+00:00",
    "2026-02-30T08:15:27+00:00",
    "0001-01-01T00:00:00+10:00",
    "2026-03-02T08:15:27.913562789+00:00",
    "Mon, 02 Mar 2026 08:15:27 GMT",
    "yesterday",
    "1772439327",
    "",
    None,
    1772439327,
    1772439327.913562,
    0,
    [],
]

TEXTS = ["", "text", "0", "12", "1.5", "ünïcödé 🌌", "لماذا", 'a\tb\nc"d\\e', "\x00", "{}", "[1]", "null", "a@b", LONG]
NUMBERS = [0, 1, -1, 0.0, 1.0, 0.1, -0.5, 99.9995, 3600, 1e-7, 1e16, 1e300, 10**20]
THINGS: list[Any] = [[], {}, [1, "a"], ["a"], {"a": 1}, {"id": "x"}, [[]], [None], {"a": {"b": None}}]
ODD_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.just(MISSING),
    st.sampled_from([None, "", 0, False, True, [], {}]),
    st.sampled_from(TEXTS),
    st.sampled_from(NUMBERS),
    st.sampled_from(THINGS),
    st.text(max_size=20),
    st.integers(min_value=-(2**40), max_value=2**70),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)

ANSWERS = st.one_of(
    st.sampled_from(["", None, "choice_1", "ответ", LONG, 0, 1.5, True, [], ["choice_0"], ["ä", "🌌"], {"a": ["b"]}]),
    st.lists(st.text(max_size=5), max_size=3),
)
RESPONSE_TYPES = [
    "choiceresponse",
    "stringresponse",
    "imageresponse",
    "truefalseresponse",
    "nosuchresponse",
    "",
    None,
    3,
]
SUBMISSIONS = st.fixed_dictionaries(
    {},
    optional={
        "question": st.sampled_from(["", None, "Why?", "¿Por qué?", LONG, 5]),
        "answer": ANSWERS,
        "response_type": st.sampled_from(RESPONSE_TYPES),
        "correct": st.sampled_from([True, False, None, "", "correct", 0, 1, "true"]),
        "variant": st.just(""),
    },
)

REFERERS = [
    "",
    None,
    MISSING,
    "http://lms.example.com/x?activate_block_id=block-v1%3AExampleX%2BASTRO101%2B2026_Spring%2Btype%40problem%2Bblock%40b",
    "http://lms.example.com/x?activate_block_id=",
    "http://lms.example.com/x?activate_block_id=a&activate_block_id=b",
    "http://[broken",
    "?activate_block_id=%F0%9F%8C%8C",
    7,
]

#: The data of browsers' ``problem_check`` events, and values that may replace it.
POSTED: list[Any] = [
    "",
    "input_b_2_1=choice_0",
    "input_b_2_1%5B%5D=a&x=%F0",
    "_",
    "a_b",
    "no underscore",
    '"text"',
    "[]",
    "3",
    "true",
    None,
    MISSING,
    [],
    ["a"],
    7,
]
