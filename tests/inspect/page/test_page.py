"""The page of the report, in a real browser without a network."""

import json

import pytest

from log_replay.errors import ConfigurationError
from log_replay.inspect.page import check_page_library, library, render_page
from log_replay.inspect.page.examples import Example
from log_replay.inspect.page.masking import MASK, masked
from log_replay.records import Position
from tests.generate_log import identities, names
from tests.support.browser import browser
from tests.support.planted_log import Planted
from tests.support.runs import Shell

__all__ = ["browser"]

HOSTILE = "</script><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">{{ 7 }}`<b>`"


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    """The page and the document of a planted log, as an operator gets them."""
    folder = tmp_path_factory.mktemp("inspected")
    Planted(folder / "logs", 1_500_000, users=300, courses=names(12)).write()
    (folder / "identities.json").write_text(json.dumps(identities(300, 12)))
    shell = Shell(folder / "home")
    assert shell("load_identities", str(folder / "identities.json")).returncode == 0
    config = json.dumps({"key": str(folder), "container": "logs"})
    source = ["--source_provider", "LOCAL", "--source_config", config, "--transformer_type", "xapi"]
    for name, sample in (("report", "all"), ("sample", "30%")):
        report = ["--json", str(folder / f"{name}.json"), "--html", str(folder / f"{name}.html")]
        ended = shell("inspect_tracking_logs", *source, "--sample", sample, *report)
        assert ended.returncode == 0, ended.stderr
    return folder / "report.html", json.loads((folder / "report.json").read_text())


@pytest.fixture
def page(browser, inspected):
    """The page, opened in the browser."""
    browser.open(inspected[0].as_uri())
    return browser


def test_page_loads_nothing_and_is_small(page, inspected):
    assert page.requests == [inspected[0].as_uri()]
    assert page.problems == []
    assert inspected[0].stat().st_size < 3_000_000


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (400, False), (400, True)])
def test_page_fits_its_window(browser, inspected, width, dark):
    browser.open(inspected[0].as_uri(), width=width, dark=dark)
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate("document.querySelectorAll('.plot svg').length") == 4
    assert browser.problems == []
    red = browser.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0]")
    assert (int(red) < 100) == dark


def test_button_switches_between_light_and_dark(page):
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(colour)
    page.evaluate("document.getElementById('theme').click()")
    assert page.evaluate(colour) != before


def test_figures_are_those_of_the_document(page, inspected):
    shown = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.figures div')].map(d => "
        "[d.querySelector('dt').textContent, d.querySelector('dd').firstChild.textContent]))"
    )
    document = inspected[1]
    assert shown["Lines"] == f"{document['contents']['lines']:,}"
    assert shown["Statements"] == f"{document['statements']['count']:,}"
    assert shown["Rejected"] == f"{document['rejects']['count']:,}"


def test_page_of_a_sample_says_so_and_has_intervals(browser, inspected):
    path = inspected[0].with_name("sample.html")
    document = json.loads(path.with_suffix(".json").read_text())
    browser.open(path.as_uri())
    assert "This is a sample." in browser.evaluate("document.querySelector('.notice').textContent")
    low, high = document["intervals"]["/contents/lines"]
    assert browser.evaluate("document.querySelector('.figures small').textContent") == f"{low:,} to {high:,}"
    intervals = browser.evaluate("[...document.querySelectorAll('#rejects td small')].map(s => s.textContent)")
    assert len(intervals) == len(document["rejects"]["reasons"])
    browser.evaluate("document.querySelector('[data-chart=events]').focus()")
    browser.press("End")
    assert " to " in browser.evaluate("document.activeElement.getAttribute('aria-valuetext')")


def test_arrow_keys_read_the_values_of_a_chart(page, inspected):
    by_event = list(inspected[1]["statements"]["by_event"].items())
    page.evaluate("document.querySelector('[data-chart=events]').focus()")
    texts = []
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "End"):
        page.press(key)
        texts.append(page.evaluate("document.activeElement.getAttribute('aria-valuetext')"))
    wanted = [f"{name}: {count:,} statements" for name, count in by_event]
    assert texts == [wanted[0], wanted[1], wanted[0], wanted[14]]
    assert page.evaluate("document.activeElement.nextElementSibling.textContent") == wanted[14]


def test_hovering_over_a_bar_shows_its_value(page, inspected):
    name, count = next(iter(inspected[1]["statements"]["by_event"].items()))
    page.evaluate(
        "document.querySelector('[data-chart=events]').scrollIntoView({behavior: 'instant', block: 'center'})"
    )
    bar = "document.querySelector('[data-chart=events] .mark-rect path').getBoundingClientRect()"
    x, y = page.evaluate(f"[{bar}.x + {bar}.width / 2, {bar}.y + {bar}.height / 2]")
    page.move_mouse(x, y)
    page.wait_for("document.getElementById('vg-tooltip-element')?.classList.contains('visible')")
    text = page.evaluate("document.getElementById('vg-tooltip-element').textContent")
    assert name in text
    assert f"{count:,}" in text


def test_enter_on_a_head_sorts_its_table(page):
    column = "[...document.querySelectorAll('#rejects tbody tr')].map(r => Number(r.cells[1].dataset.value))"
    page.evaluate("document.querySelectorAll('#rejects th button')[1].focus()")
    page.press("Enter")
    assert page.evaluate(column) == sorted(page.evaluate(column), reverse=True)
    page.press("Enter")
    assert page.evaluate(column) == sorted(page.evaluate(column))
    assert page.evaluate("document.activeElement.parentNode.ariaSort") == "ascending"


def test_everything_is_reached_by_the_tab_key(page):
    seen = set()
    for _ in range(120):
        page.press("Tab")
        seen.add(page.evaluate("document.activeElement.dataset.chart || document.activeElement.id"))
    assert {"time", "events", "rejects", "courses", "theme", "copy"} <= seen


def hostile_document(document):
    """Return the document with a hostile text in every place that a log or a name of a file can reach."""
    text = json.loads(json.dumps(document))
    text["source"]["container"] = HOSTILE
    text["stopped"] = HOSTILE
    for section, key in (("statements", "by_event"), ("statements", "by_course"), ("contents", "unknown_events")):
        text[section][key] = {HOSTILE: 10**6, **text[section][key]}
    text["contents"]["object_list"][0]["name"] = HOSTILE
    text["rejects"]["reasons"][0] |= {"reason": HOSTILE, "first": {"object": HOSTILE, "offset": 1}}
    text["next"]["replay"] = HOSTILE
    return text


def test_hostile_content_is_shown_as_text(browser, inspected, tmp_path):
    line = json.dumps({"name": HOSTILE, "event": HOSTILE}).encode()
    example = Example(HOSTILE, Position(HOSTILE, 0), line, [line], with_content=True)
    path = tmp_path / "hostile.html"
    path.write_text(render_page(hostile_document(inspected[1]), [example]))
    browser.open(path.as_uri())
    assert browser.evaluate("document.title").startswith("Inspection of")
    assert browser.evaluate("document.querySelectorAll('img, section b, script:not([type])').length") == 2
    assert browser.requests == [path.as_uri()]
    assert browser.problems == []


def test_scripts_that_are_not_ours_do_not_run(browser, inspected, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(inspected[0].read_text().replace("</main>", "</main><script>document.title = 'ran'</script>"))
    browser.open(path.as_uri())
    assert browser.evaluate("document.title") != "ran"


def test_examples_show_events_without_what_learners_wrote(inspected):
    text = inspected[0].read_text()
    shown = text.partition('id="examples"')[2].partition("</section>")[0]
    assert shown.count("<h3>Event</h3>") == 12
    assert MASK in shown
    for private in ("user_1", "example.com", "binoculars", "172.18"):
        assert private not in shown


@pytest.mark.parametrize("with_content", [False, True])
def test_content_is_shown_only_on_request(with_content):
    event = {
        "name": "problem_check",
        "username": "ada",
        "context": {"user_id": 3},
        "event": '{"answers": {"a": "secret"}}',
    }
    statement = {"actor": {"account": {"name": "0f1e"}}, "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"}}
    example = Example(
        "problem_check", Position("a", 0), json.dumps(event).encode(), [json.dumps(statement).encode()], with_content
    )
    shown = str(example.as_context())
    assert all((private in shown) == with_content for private in ("ada", "secret", "0f1e", "3"))
    assert "verbs/answered" in shown


def test_masked_values_keep_what_describes_the_event():
    event = {
        "name": "play_video",
        "time": "2026-03-02T08:15:27Z",
        "context": {"course_id": "course-v1:A+B+C"},
        "age": 42,
    }
    assert masked(event) == event | {"age": MASK}


def test_missing_library_is_an_error_before_anything_is_read(monkeypatch):
    monkeypatch.setattr(library, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"openedx-log-replay\[html\]"):
        check_page_library()
