"""Comparing the statements of logs with a table: the numbers, JSON and the HTML report."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from django.core.management import CommandError, call_command

from log_replay.clickhouse.clients import connect
from log_replay.gaps import compare
from log_replay.gaps.compare import Gap, Gaps
from log_replay.gaps.gap_table import gaps_as_json, gaps_as_text
from log_replay.gaps.html_report import html_report
from tests.support.browser import browser_program
from tests.support.clickhouse_servers import clickhouse, clickhouse_process
from tests.support.runs import logs, replay, source

__all__ = ["clickhouse", "clickhouse_process", "logs", "replay", "source"]

GAP_BEGIN, GAP_END = "2026-03-05", "2026-03-06"
DELETE = f"DELETE FROM openedx.xapi_events_all WHERE emission_time >= '{GAP_BEGIN}' AND emission_time < '{GAP_END}'"
INSERT_FOREIGN = (
    "INSERT INTO openedx.xapi_events_all SELECT generateUUIDv4(), toDateTime64('2026-03-04 10:00:00', 6) + number,"
    ' \'{"object": {"id": "http://lms/course/course-v1:Other+X+1"}}\' FROM numbers(9)'
)


@pytest.fixture(params=["embedded", "server"])
def table(request, replay, source):
    """A table with all statements of the log except one day, and nine statements that are not in the log."""
    config = request.getfixturevalue("clickhouse").config if request.param == "server" else {}
    where = ["--destination_provider", "CLICKHOUSE", "--destination_config", json.dumps(config), "--create_tables"]
    report = replay(*source, *where)
    client = connect(config)
    client.command(DELETE)
    client.command(INSERT_FOREIGN)
    client.close()
    return config, report.total.statements


@pytest.fixture
def gaps(table, source, tmp_path, sample_identities):
    """Return a function that compares and returns the JSON."""

    def found(*arguments):
        path = tmp_path / "gaps.json"
        config = ["--missing_from", json.dumps(table[0])]
        call_command("replay_gaps", "--transformer_type", "xapi", *source, *config, "--json", str(path), *arguments)
        return json.loads(path.read_text())

    return found


def test_gaps_by_day_count_missing_and_only_in_table(gaps, table, capsys):
    found = gaps()
    days = {row["day"]: row for row in found["gaps"]}
    assert found["total"]["logs"] == table[1]
    assert found["total"]["present"] + found["total"]["missing"] == table[1]
    assert found["total"]["only_in_table"] == 9
    assert [day for day, row in days.items() if row["missing"]] == [GAP_BEGIN]
    assert days[GAP_BEGIN]["present"] == 0
    assert days["2026-03-04"]["only_in_table"] == 9
    assert "--only_missing delivers just those" in capsys.readouterr().out.replace("\n", " ")


def test_only_missing_closes_the_gaps(gaps, table, replay, source):
    missing = gaps()["total"]["missing"]
    where = ["--destination_provider", "CLICKHOUSE", "--destination_config", json.dumps(table[0])]
    assert replay(*source, *where, "--only_missing").total.delivered == missing > 0
    assert gaps()["total"]["missing"] == 0


def test_fail_if_missing_exits_with_1_if_statements_are_missing(gaps, table, replay, source):
    with pytest.raises(CommandError, match=r"\d+ statements are missing from openedx.xapi_events_all") as caught:
        gaps("--fail_if_missing")
    assert caught.value.returncode == 1
    where = ["--destination_provider", "CLICKHOUSE", "--destination_config", json.dumps(table[0])]
    replay(*source, *where, "--only_missing")
    gaps("--fail_if_missing")


def test_reports_follow_links_and_are_written_into_pipes(table, source, tmp_path, sample_identities):
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(target)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files = ["--json", str(pipe), "--html", str(link), "--missing_from", json.dumps(table[0])]
    call_command("replay_gaps", "--transformer_type", "xapi", *source, *files)
    assert json.loads(os.read(reader, 1 << 16))["by"] == "day"
    os.close(reader)
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert target.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("option", ["--json", "--html", "--rejects"])
def test_output_path_that_is_a_log_is_refused(table, source, logs, option):
    (log,) = logs.iterdir()
    content = log.read_bytes()
    config = ["--missing_from", json.dumps(table[0])]
    with pytest.raises(CommandError, match=f"{option} .* is a log of the source") as caught:
        call_command("replay_gaps", "--transformer_type", "xapi", *source, *config, option, str(log))
    assert caught.value.returncode == 2
    assert log.read_bytes() == content


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_report_replaces_only_an_earlier_report(table, source, tmp_path, sample_identities, option):
    report = tmp_path / "report"
    arguments = [*source, "--missing_from", json.dumps(table[0]), option, str(report)]
    for _ in range(2):
        call_command("replay_gaps", "--transformer_type", "xapi", *arguments)
    report.write_text("thesis")
    with pytest.raises(CommandError, match="has not written it"):
        call_command("replay_gaps", "--transformer_type", "xapi", *arguments)
    assert report.read_text() == "thesis"


def test_unknown_key_of_missing_from_is_wrong_usage(source):
    with pytest.raises(CommandError, match=r"--missing_from has unknown keys: ulr .*url") as caught:
        call_command(
            "replay_gaps", "--transformer_type", "xapi", *source, "--missing_from", '{"ulr": "http://ch:8123"}'
        )
    assert caught.value.returncode == 2


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_unwritable_report_is_found_before_the_comparison(source, tmp_path, home, option):
    with pytest.raises(CommandError, match=f"{option} .* cannot be written") as caught:
        call_command("replay_gaps", "--transformer_type", "xapi", *source, option, str(tmp_path / "no" / "report"))
    assert caught.value.returncode == 2


@pytest.mark.parametrize("by", ["hour", "event", "course"])
def test_totals_do_not_depend_on_the_grouping(gaps, by):
    found = gaps("--by", by)
    for name in ("logs", "present", "missing", "only_in_table"):
        assert sum(row[name] for row in found["gaps"]) == found["total"][name]
    assert found["total"]["only_in_table"] == 9
    rows = {row[by]: row for row in found["gaps"]}
    key = {"hour": "2026-03-04T10:00Z", "event": "(only in the table)", "course": "course-v1:Other+X+1"}[by]
    assert rows[key]["only_in_table"] == 9


def test_slice_size_changes_nothing(gaps, monkeypatch):
    whole = gaps("--by", "hour")
    monkeypatch.setattr(compare, "SLICE_IDS", 5)
    assert gaps("--by", "hour") == whole


def test_since_and_until_limit_the_comparison(gaps):
    found = gaps("--since", "2026-03-04", "--until", "2026-03-06")
    assert [row["day"] for row in found["gaps"]] == ["2026-03-04", "2026-03-05"]
    assert found["total"]["only_in_table"] == 9


def test_only_in_table_is_unknown_with_an_event_filter(gaps):
    found = gaps("--event", "problem_check")
    assert found["total"]["only_in_table"] is None
    assert found["total"]["logs"] > found["total"]["present"] > 0


def test_event_that_occurs_twice_in_the_logs_counts_once(gaps, logs, sample_log):
    once = gaps()
    (logs / "tracking.log.1").write_bytes(sample_log)
    assert gaps() == once


def test_comparison_leaves_no_temporary_tables(gaps, table):
    gaps()
    client = connect(table[0])
    databases = [name for (name,) in client.query("SHOW DATABASES").result_rows]
    client.close()
    assert not [name for name in databases if name.startswith("log_replay")]


def test_unreadable_log_makes_the_comparison_incomplete(gaps, logs):
    (logs / "broken.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03garbage")
    with pytest.raises(CommandError) as caught:
        gaps()
    assert caught.value.returncode == 1


def test_missing_database_or_table_is_wrong_usage(source, sample_identities, home):
    arguments = ["replay_gaps", "--transformer_type", "xapi", *source]
    for message in ("no embedded database", "no such table .*--missing_from"):
        with pytest.raises(CommandError, match=message) as caught:
            call_command(*arguments)
        assert caught.value.returncode == 2
        connect({}).close()  # creates an empty database


GAPS = Gaps(
    "day",
    "openedx.xapi_events_all at <somewhere>",
    {"2026-03-01": Gap(400, 400), "2026-03-02": Gap(300, 100, 50), "2026-03-09": Gap(10, 0)},
)
COURSES = Gaps("course", "x", {f"course-v1:<Org>+{n}+{'x' * 60}": Gap(n, n // 2) for n in range(60)}, whole=False)


@pytest.fixture(scope="session")
def browser():
    return browser_program()


MEASURE = """<script>
const boxes = kind => [...document.querySelectorAll('rect.' + kind)].map(r => r.getBoundingClientRect())
    .filter(b => b.height && b.width).map(b => [b.left, b.top, b.width, b.height]);
document.title = JSON.stringify({
    present: boxes('present'), missing: boxes('missing'), only: boxes('only'),
    colour: getComputedStyle(document.querySelector('rect.missing')).fill,
    wide: document.documentElement.scrollWidth > innerWidth, rows: document.querySelectorAll('tbody tr').length,
    loaded: performance.getEntriesByType('resource').length,
    labels: [...document.querySelectorAll('svg text')].filter(t => t.getBoundingClientRect().right > innerWidth).length,
});
</script>"""


def measured(browser, tmp_path, gaps):
    """Open the report offline in a browser, and return the measures of its shapes."""
    file = tmp_path / "page.html"
    file.write_text(html_report(gaps).replace("</body>", MEASURE + "</body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1200,900", "--virtual-time-budget=2000"]
    command = [browser, *options, *offline, "--dump-dom", file.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    return json.loads(dom.partition("<title>")[2].partition("</title>")[0].replace("&quot;", '"'))


def test_bar_heights_match_the_numbers_in_a_browser(browser, tmp_path):
    measures = measured(browser, tmp_path, GAPS)
    (first, second) = measures["present"]
    (missing, last) = measures["missing"]
    (only,) = measures["only"]
    assert first[3] == pytest.approx(4 * second[3], rel=0.02)
    assert missing[3] == pytest.approx(2 * second[3], rel=0.02)
    assert only[3] == pytest.approx(second[3] / 2, rel=0.02)
    assert missing[1] + missing[3] == pytest.approx(second[1], abs=0.5)  # stacked
    assert last[0] - first[0] == pytest.approx(8 * (second[0] - first[0]), rel=0.02)  # eight days later
    assert measures["colour"] == "rgb(198, 40, 40)"
    assert measures["rows"] == 3


@pytest.mark.parametrize(
    "gaps", [GAPS, COURSES, Gaps("hour", "x", {"2026-03-01T10:00Z": Gap(1, 0)})], ids=lambda g: g.by
)
def test_page_fits_the_window_and_loads_nothing(browser, tmp_path, gaps):
    measures = measured(browser, tmp_path, gaps)
    assert not measures["wide"]
    assert measures["labels"] == 0
    assert measures["loaded"] == 0
    assert measures["missing"]


@pytest.mark.parametrize("gaps", [GAPS, COURSES, Gaps("day", "x"), Gaps("event", "x"), Gaps("hour", "x")])
def test_page_is_self_contained_and_escapes_names(gaps):
    text = html_report(gaps)
    assert "<script" not in text
    assert "://" not in text
    assert "url(" not in text
    assert "<Org>" not in text
    assert "<somewhere>" not in text
    assert all(f"<td>{gap.logs:,}</td>" in text for gap in gaps.rows.values())


def test_text_has_no_control_characters_of_the_table():
    gaps = Gaps("course", "x\x1b[31m", {"course-v1:a\x9b31m+b\x7f": Gap(1, 0)})
    text = gaps_as_text(gaps)
    assert r"course-v1:a\x9b31m+b\x7f" in text
    assert not any(char < " " or "\x7f" <= char < "\xa0" for char in text.replace("\n", ""))


def test_json_contains_every_row():
    assert gaps_as_json(GAPS)["gaps"][1] == {
        "day": "2026-03-02",
        "logs": 300,
        "present": 100,
        "missing": 200,
        "only_in_table": 50,
    }
