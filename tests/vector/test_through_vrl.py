"""The program returns every statement that the formatters write byte for byte, and loses no other line."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.vector.emitted import FORMATTERS, TEXTS, VALUES, as_logged, caliper, encoded, lines, xapi
from tests.support.vector.engines import Topology
from tests.support.vector.shipped import DEAD_LETTER, SINKS, TRANSFORMS, composed

CONFIG = composed(TRANSFORMS, DEAD_LETTER)
FORMATS = pytest.mark.parametrize("log_format", FORMATTERS)
slow = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def read(engine, emitted):
    """Return the events of the transform's outputs for these lines."""
    return Topology(CONFIG, engine).run("statements_read", [{"message": line.decode()} for line in emitted])


@FORMATS
@slow
@given(extensions=st.lists(VALUES, max_size=4), ascii_only=st.booleans(), names=TEXTS)
@example(extensions=["x" * 1_000_000], ascii_only=False, names="tracking.log")
@example(extensions=["\U0001f600" * 1000, 2**70, 1e300, -0.0], ascii_only=True, names='"statement": {')
def test_xapi_comes_back_byte_for_byte(engine, log_format, extensions, ascii_only, names):
    texts = [encoded(xapi(value), ascii_only=ascii_only) for value in extensions]

    outputs = read(engine, lines(texts, log_format, names=names))

    assert [event["event"].encode() for event in outputs.get("statements_kind.xapi", [])] == [
        as_logged(text) for text in texts
    ]
    assert [event["event_id"] for event in outputs.get("statements_kind.xapi", [])] == [
        json.loads(text)["id"] for text in texts
    ]
    assert not outputs.get("dead_letter")


@FORMATS
@slow
@given(extensions=st.lists(VALUES, max_size=4))
def test_caliper_comes_back_byte_for_byte(engine, log_format, extensions):
    texts = [encoded(caliper(value)) for value in extensions]

    outputs = read(engine, lines(texts, log_format, "caliper"))

    assert [event["event"].encode() for event in outputs.get("statements_kind.caliper", [])] == [
        as_logged(text) for text in texts
    ]
    assert not outputs.get("dead_letter")


@FORMATS
@slow
@given(value=VALUES, cut=st.floats(0, 1, exclude_max=True), other=st.text(st.characters(exclude_characters="\n")))
def test_other_lines_are_all_in_the_dead_letter(engine, log_format, value, cut, other):
    texts = [encoded(xapi(value)), encoded(xapi())]
    first, last = lines(texts, log_format)
    truncated = first[: int(cut * len(first))].decode("utf-8", "ignore").encode()
    emitted = [first, truncated, first + last, other.encode("utf-8", "ignore"), last]

    outputs = read(engine, emitted)

    assert [event["event"].encode() for event in outputs["statements_kind.xapi"]] == [as_logged(text) for text in texts]
    assert [event["message"].encode() for event in outputs["dead_letter"]] == emitted[1:4]
    assert all(event["reason"] for event in outputs["dead_letter"])


@slow
@given(value=VALUES, log_format=st.sampled_from(sorted(FORMATTERS)), cut=st.floats(0.01, 0.99))
def test_prefixes_of_container_runtimes_change_nothing(engine, value, log_format, cut):
    text = encoded(xapi(value))
    (line,) = lines([text], log_format)
    # A runtime splits at a byte. Here it splits between two characters.
    whole = line.decode()
    at = max(1, int(cut * len(whole)))
    cri = "2026-11-21T09:12:13.123456789Z stdout {} {}"
    entry = {"stream": "stdout", "time": "2026-11-21T09:12:13Z"}

    messages = [
        cri.format("F", whole),
        cri.format("P", whole[:at]) + "\n" + cri.format("F", whole[at:]),
        json.dumps({"log": whole + "\n", **entry}, separators=(",", ":")),
        "\n".join(json.dumps({"log": part, **entry}) for part in (whole[:at], whole[at:] + "\n")).replace(": ", ":", 1),
    ]

    for message in messages:
        outputs = Topology(CONFIG, engine).run("statements_read", [{"message": message}])
        assert [event["event"].encode() for event in outputs["statements_kind.xapi"]] == [as_logged(text)], message


@slow
@given(
    text=st.text(st.characters(min_codepoint=0x80, exclude_categories=["Cs"], exclude_characters="\ufffd"), min_size=1),
    log_format=st.sampled_from(sorted(FORMATTERS)),
    data=st.data(),
)
def test_damaged_characters_go_to_the_dead_letter(engine, text, log_format, data):
    """A CRI runtime splits a line within a character, and the file source replaces both halves by U+FFFD."""
    (line,) = lines([encoded(xapi(text))], log_format)
    at = data.draw(st.sampled_from([at for at, byte in enumerate(line) if byte & 0xC0 == 0x80] or [len(line)]))
    first, last = (part.decode("utf-8", "replace") for part in (line[:at], line[at:]))
    cri = "2026-11-21T09:12:13.123456789Z stdout {} {}"

    (event,) = read(engine, [f"{cri.format('P', first)}\n{cri.format('F', last)}".encode()])["dead_letter"]

    assert event["reason"] == "broken_character"


def test_statements_pass_a_second_time(engine):
    texts = [encoded(xapi(number)) for number in range(3)]

    outputs = read(engine, lines([*texts, *texts[:2]], "raw") + lines(texts, "aspects"))

    assert [event["event"].encode() for event in outputs["statements_kind.xapi"]] == [*texts, *texts[:2], *texts]


@pytest.mark.parametrize(
    ("output", "made", "transformer_type"),
    [("s3_once", xapi, "xapi"), ("caliper_once", caliper, "caliper")],
)
def test_sinks_that_store_repeats_drop_them_for_ten_minutes(vrl_python, output, made, transformer_type):
    clock = iter((0.0, 0.0, 1.0, 1.0, 599.0, 599.0, 601.0, 601.0))
    topology = Topology(composed(TRANSFORMS, *SINKS), vrl_python, clock=lambda: next(clock))
    texts = [encoded(made(number)) for number in range(2)]
    events = [{"message": line.decode()} for line in lines(texts, "raw", transformer_type)]

    passed = [len(topology.run("statements_read", events)[output]) for _ in range(4)]

    assert passed == [2, 0, 0, 2]
