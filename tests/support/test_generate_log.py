"""The log generator."""

import argparse
import hashlib
import itertools
import json
import time

import pytest

from tests.generate_log import arguments, identities, lines, long_line, size, write_identities
from tests.support.known_events import FORMS_OF
from tests.support.site_mixes import MIXES


def parsed(**options):
    return [json.loads(line) for line in lines(**options)]


@pytest.mark.parametrize("mix", [None, *MIXES])
def test_the_same_arguments_give_the_same_bytes(mix):
    assert list(lines(count=500, seed=3, mix=mix)) == list(lines(count=500, seed=3, mix=mix))


def test_the_bytes_of_the_default_log_do_not_change():
    digest = hashlib.sha256(b"".join(lines(count=2000))).hexdigest()
    assert digest == "44aa9de300457600ddc54d26a908faff18cfa0ce2ee874575bad245f192c8f4f"


@pytest.mark.parametrize("options", [{}, {"mix": "site"}])
def test_another_seed_gives_another_log(options):
    assert list(lines(count=500, seed=3, **options)) != list(lines(count=500, seed=4, **options))


def test_each_line_is_one_event_with_its_line_end():
    for line in lines(count=2000):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert json.loads(line)["event_source"] in ("browser", "server", "mobile")


@pytest.mark.parametrize("known", [0, 0.02, 0.6, 1])
def test_the_share_of_known_events_is_as_requested(known):
    events = parsed(count=5000, known=known)
    share = sum(event.get("name") in FORMS_OF for event in events) / len(events)
    assert share == pytest.approx(known, abs=0.02 if 0 < known < 1 else 0)


def test_every_known_name_occurs():
    assert {event["name"] for event in parsed(count=10_000, known=1)} == set(FORMS_OF)


def test_lines_are_as_long_as_in_real_logs():
    whole = b"".join(lines(count=5000))
    assert 1_100 < len(whole) / 5000 < 1_500


def test_the_times_of_events_increase():
    times = [event["time"] for event in parsed(count=5000)]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_a_log_ends_at_the_line_that_reaches_its_size():
    log = list(lines(total_bytes=100_000))
    assert sum(map(len, log[:-1])) < 100_000 <= sum(map(len, log))


def test_identities_have_all_users_and_courses_of_the_log():
    whole = identities(users=7, courses=3)
    events = parsed(count=3000, known=1, users=7, courses=3)
    assert {event["context"]["user_id"] for event in events} == {user["id"] for user in whole["users"]}
    assert {event["username"] for event in events} == {user["username"] for user in whole["users"]}
    assert {event["context"]["course_id"] for event in events} == {course["id"] for course in whole["courses"]}


def test_all_users_have_external_ids_of_both_types():
    ids = [one for user in identities(users=50)["users"] for one in user["external_ids"].items()]
    assert len(set(ids)) == len(ids) == 100


def test_the_written_identities_are_the_same(tmp_path):
    write_identities(tmp_path / "identities.json", users=20, courses=4)
    assert json.loads((tmp_path / "identities.json").read_text(encoding="utf-8")) == identities(users=20, courses=4)


@pytest.mark.parametrize("size_bytes", [500, 1_000_000, 2_500_001])
def test_a_long_line_is_one_event_of_the_requested_size(size_bytes):
    line = b"".join(long_line(size_bytes))
    assert len(line) == size_bytes
    assert line.count(b"\n") == 1
    assert json.loads(line)["name"] == "problem_check"


def cpu_seconds(function):
    started = time.process_time()
    function()
    return time.process_time() - started


def test_generating_a_log_is_faster_than_parsing_it():
    log = list(lines(total_bytes=5_000_000))
    rounds = [
        (cpu_seconds(lambda: list(lines(total_bytes=5_000_000))), cpu_seconds(lambda: list(map(json.loads, log))))
        for _ in range(5)
    ]
    generating, parsing = map(min, zip(*rounds, strict=True))
    assert generating < parsing


@pytest.mark.parametrize(
    ("text", "wanted"), [("1GB", 10**9), ("200MB", 2 * 10**8), ("1.5 kb", 1500), ("1KiB", 1024), ("7", 7)]
)
def test_sizes_are_parsed(text, wanted):
    assert size(text) == wanted


@pytest.mark.parametrize("text", ["", "GB", "-1", "1TBX"])
def test_an_invalid_size_is_an_error(text):
    with pytest.raises(argparse.ArgumentTypeError, match="not a size"):
        size(text)


def test_lines_and_bytes_are_mutually_exclusive():
    with pytest.raises(SystemExit):
        arguments(["--lines", "1", "--bytes", "1MB"])
