"""The mixes of the log generator that look like a real site's log."""

import itertools
import json
import re
from collections import Counter
from functools import cache
from urllib.parse import parse_qs

import pytest

from tests.generate_log import identities, lines
from tests.support.known_events import FORMS, FORMS_OF
from tests.support.odd_shapes import SHAPES
from tests.support.site_log import UNKNOWN_USERS
from tests.support.site_mixes import MIXES, groups

COUNT = 5000
USERS = 500
COURSES = 10


@cache
def log_of(mix):
    return list(lines(count=COUNT, users=USERS, courses=COURSES, mix=mix))


@cache
def events_of(mix):
    return [json.loads(line[line.index(b"{") :]) for line in log_of(mix)]


def share(mix, condition):
    return sum(map(condition, events_of(mix))) / COUNT


def user_id(event):
    return event["context"].get("user_id")


def course_id(event):
    return event["context"].get("course_id")


def is_from(source):
    return lambda event: event["event_source"] == source


def is_time(value):
    return isinstance(value, str) and len(value) == len("2026-03-01T00:00:00.000000+00:00")


def is_request(event):
    return event["event_type"].startswith("/")


def is_named(prefix):
    return lambda event: event.get("name", event["event_type"]).startswith(prefix)


def graded(mix):
    """Return the ``problem_check`` events of the server that have several questions or long ones."""
    return [
        event
        for event in events_of(mix)
        if event["event_type"] == "problem_check" and isinstance(event["event"], dict) and "state" in event["event"]
    ]


def parsed_form(text):
    return {key.removeprefix("input_").removesuffix("[]"): value for key, value in parse_qs(text).items()}


@pytest.mark.parametrize("mix", MIXES)
def test_the_shares_of_a_mix_add_up_to_one(mix):
    assert sum(group.share for group in groups(mix)) == pytest.approx(1)


@pytest.mark.parametrize("mix", MIXES)
def test_lines_of_a_mix_are_objects_with_one_line_end(mix):
    for line, event in zip(log_of(mix), events_of(mix), strict=True):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert event["event_source"] in ("browser", "server", "mobile")


@pytest.mark.parametrize("mix", MIXES)
def test_the_times_in_a_mix_increase(mix):
    times = [event["time"] for event in events_of(mix) if is_time(event.get("time"))]
    assert len(times) > 0.9 * COUNT
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize("mix", ["site", "mobile", "old"])
def test_two_fifths_of_the_events_are_requests(mix):
    assert share(mix, is_request) == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("mix", ["site", "old", "every shape alike"])
def test_lines_have_300_bytes_to_60_kilobytes(mix):
    sizes = sorted(map(len, log_of(mix)))
    assert 250 < sizes[0] < 350
    assert 40_000 < sizes[-1] < 60_000
    assert 700 < sizes[COUNT // 2] < 1_600


@pytest.mark.parametrize("mix", ["site", "mobile", "old"])
def test_forms_from_browsers_precede_the_servers_check(mix):
    pairs = 0
    for first, second in itertools.pairwise(events_of(mix)):
        form = first["event"]
        if first["event_type"] != "problem_check" or not isinstance(form, str) or second["event_source"] != "server":
            continue
        # Some browser events are alone, as the known forms of events are.
        if second["event_type"] == "problem_check" and first["session"] == second["session"]:
            answers = second["event"]["answers"]
            assert parsed_form(form) == {k: v if isinstance(v, list) else [v] for k, v in answers.items()}
            assert set(second["event"]["submission"]) == set(answers)
            pairs += 1
    checks = sum(event["event_type"] == "problem_check" for event in events_of(mix))
    assert pairs > (0.25 if mix == "old" else 0.45) * checks


@pytest.mark.parametrize(
    "name",
    [
        "problem_check",
        "problem_graded",
        "save_problem_success",
        "seq_goto",
        "page_close",
        "edx.bookmark.",
        "openassessmentblock.",
        "edx.cohort.",
        "edx.certificate.",
    ],
)
def test_a_site_logs_events_with_and_without_a_mapping(name):
    assert share("site", is_named(name)) > 0.0005


def test_a_third_of_a_sites_events_are_known():
    assert share("site", lambda event: event.get("name") in FORMS_OF) == pytest.approx(0.4, abs=0.05)


def test_browsers_post_texts_with_a_long_context():
    browser = list(filter(is_from("browser"), events_of("site")))
    texts = [event for event in browser if isinstance(event["event"], str)]
    long = [event for event in browser if len(json.dumps(event["context"])) > 300]
    assert len(texts) > 0.7 * len(browser)
    assert len(long) > 0.6 * len(browser)


@pytest.mark.parametrize(("mix", "wanted"), [("site", 0.022), ("mobile", 0.46), ("every shape alike", 0.1)])
def test_mobile_apps_log_videos_with_their_fields(mix, wanted):
    mobile = list(filter(is_from("mobile"), events_of(mix)))
    assert len(mobile) / COUNT == pytest.approx(wanted, rel=0.3)
    for event in mobile:
        assert event["name"].startswith("edx.video.")
        assert event["context"]["component"] == "videoplayer"
        assert event["context"]["application"]["name"] == "edx.mobileapp.android"


@pytest.mark.parametrize("mix", MIXES)
def test_some_users_are_anonymous_and_some_have_only_a_name(mix):
    assert 0.01 < share(mix, lambda event: event["username"] == "" and user_id(event) is None) < 0.08
    assert share(mix, lambda event: event["username"] != "" and "user_id" not in event["context"]) > 0.01


@pytest.mark.parametrize("mix", MIXES)
def test_some_users_are_unknown_and_some_never_occur_again(mix):
    seen = Counter(dict.fromkeys((user_id(e), e["session"]) for e in events_of(mix) if e.get("session")).keys())
    ids = Counter(user for user, _ in seen if user)
    lines_of = Counter(user_id(event) for event in events_of(mix))
    unknown = {user for user in ids if USERS < user <= USERS + UNKNOWN_USERS}
    never_again = [user for user in ids if user > USERS + UNKNOWN_USERS]
    assert max(lines_of[user] for user in unknown) > 1
    assert len(never_again) > 0.004 * COUNT


def test_one_user_in_forty_has_retired():
    users = identities(users=USERS, mix="site")["users"]
    retired = {user["id"] for user in users if re.fullmatch(r"retired__user_[0-9a-f]{40}", user["username"])}
    assert len(retired) == USERS // 40
    assert 0.01 < share("site", lambda event: user_id(event) in retired) < 0.05
    assert not share("site", lambda event: event["username"].startswith("retired"))


@pytest.mark.parametrize("mix", ["site", "every shape alike"])
@pytest.mark.parametrize("prefix", ["course-v1:Org", "ccx-v1:", "library-v1:", "Org", "course-v1:Gone+N"])
def test_courses_have_all_formats_and_some_never_occur_again(mix, prefix):
    found = Counter(filter(None, map(course_id, events_of(mix))))
    assert sum(count for course, count in found.items() if str(course).startswith(prefix)) > 0.003 * COUNT
    assert all(count <= 4 for course, count in found.items() if "Gone+N" in course)


def test_identities_of_a_mix_have_its_ccx_and_old_courses():
    names = {course["id"] for course in identities(users=1, courses=COURSES, mix="site")["courses"]}
    # Odd shapes have courses of their own.
    in_log = {course for course in map(course_id, events_of("site")) if course and re.match(r"(.*-v1:)?Org\d", course)}
    assert {course for course in in_log if not course.startswith("library-v1:")} <= names


def test_old_logs_have_old_ids_and_few_names():
    assert share("old", lambda event: "name" not in event) == pytest.approx(0.6, abs=0.07)
    assert share("old", lambda event: "i4x://" in json.dumps(event) or "i4x-" in json.dumps(event)) > 0.3
    assert all(event["time"] < "2017" for event in events_of("old") if is_time(event.get("time")))


def test_problems_have_html_other_scripts_and_up_to_30_answers():
    problems = graded("site")
    answers = Counter(len(event["event"]["answers"]) for event in problems)
    assert {1, 2, 3, 30} <= set(answers)
    texts = [
        json.dumps(event["event"]["submission"], ensure_ascii=False)
        for event in problems
        if "submission" in event["event"]
    ]
    assert sum("<p class=" in text for text in texts) > 0.1 * len(texts)
    assert sum(not text.isascii() for text in texts) > 0.3 * len(texts)


def test_problems_are_more_than_the_templates():
    assert len({event["event"].get("problem_id") for event in graded("site")}) > 0.8 * len(graded("site"))


def test_each_form_of_an_event_has_each_odd_shape():
    assert len(groups("every shape alike")[0].episodes) == len(SHAPES) * len(FORMS)
    names = {event.get("name") for event in events_of("every shape alike")}
    assert names >= set(FORMS_OF)


def test_lines_are_as_other_releases_and_collectors_write_them():
    log = log_of("every shape alike")
    assert sum(line.startswith(b"2026-03-02 08:15:27") for line in log) == pytest.approx(0.1 * COUNT, rel=0.2)
    assert sum(line.endswith(b"\r\n") for line in log) == pytest.approx(0.1 * COUNT, rel=0.2)
    assert any(not line.isascii() for line in log)
    assert len({tuple(event) for event in events_of("old")}) > 300
