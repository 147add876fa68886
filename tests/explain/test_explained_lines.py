"""What an explanation shows of a line that gives statements, and what it masks."""

from __future__ import annotations

import json
import logging

import pytest
from event_routing_backends.models import RouterConfiguration
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from log_replay.explain import steps
from log_replay.explain.showing import shown
from log_replay.identities.lms_tables import ExternalId
from log_replay.sources.codecs import is_compressed
from tests.explain.test_steps import event, golden

PLAY = "play_video"


def facts(explanation, name):
    return "\n".join(next(step.facts for step in explanation.steps if step.name == name))


def test_statements_are_those_of_a_run(explain_text, tmp_path, replay):
    raw = golden("problem_check.server_questions")
    explained = explain_text(raw)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "one.log").write_text(json.dumps(raw))
    config = json.dumps({"key": str(tmp_path), "container": "run"})
    out = tmp_path / "statements.log"
    replay(
        "--source_provider", "LOCAL", "--source_config", config, "--dry_run",
        "--log_to", f"file:{out}", "--log_format", "raw",
    )  # fmt: skip
    assert [json.loads(found.json) for found in explained.statements] == [
        json.loads(line) for line in out.read_bytes().splitlines()
    ]
    assert explained.statements[0].broken_rules
    assert explained.failed_step is None


def test_steps_say_what_is_known(explain_text):
    found = explain_text(b"2026-03-02 INFO {tracking} " + json.dumps(golden(PLAY)).encode() + b"  ")
    assert "after a prefix of 27 bytes, and white space follows it" in facts(found, steps.LINE)
    assert "decoded as JSON" in facts(found, steps.LINE)
    assert "known to xAPI and Caliper" in facts(found, steps.EVENT)
    assert "user 3, with external id 562c73f0-e215-5c43-8abb-9f11a08aff81" in facts(found, steps.USER)
    assert "Astronomy for Everyone" in facts(found, steps.COURSE)
    assert "event_routing_backends/processors/xapi/event_transformers/video_events.py:" in facts(found, steps.CODE)
    assert "certified" in facts(found, steps.CODE)
    assert facts(found, steps.RULES) == "valid xAPI 1.0.3"


def test_code_says_why_upstream_is_used(explain_text):
    assert "--transformers upstream asks for it" in facts(
        explain_text(golden(PLAY), transformers="upstream"), steps.CODE
    )


def test_caliper_is_explained_as_well(explain_text):
    found = explain_text(golden(PLAY), transformer_type="caliper")
    assert facts(found, steps.RULES) == "valid Caliper 1.2"
    assert json.loads(found.statements[0].json)["data"][0]["type"] == "MediaEvent"


def test_usernames_and_mails_are_masked_unless_asked_for(explain_text, settings):
    settings.XAPI_AGENT_IFI_TYPE = "mbox"
    raw = event(PLAY, context__user_id="ada")
    masked = shown(explain_text(raw), colours=False)
    assert "user3@example.com" not in masked
    assert '"ada"' not in masked
    assert "Masked: the username, usernames and email addresses" in masked
    whole = shown(explain_text(raw, with_content=True), colours=False)
    assert "mailto:user3@example.com" in whole
    assert '"username": "ada"' in whole
    assert "Masked" not in whole


def test_no_external_id_is_created(explain_text):
    before = ExternalId.objects.count()
    assert explain_text(event(PLAY, context__user_id=10)).ending.reason == "no_external_id"
    assert ExternalId.objects.count() == before


def test_routes_and_the_filter_that_says_no_are_named(explain_text):
    for url, params in (("http://one/xAPI", {}), ("http://two/xAPI", {"context.org_id": "Other", "name": "play.*"})):
        RouterConfiguration.objects.create(
            backend_name="xapi", enabled=True, route_url=url, auth_scheme="BASIC", username="u", password="secret",
            configurations={"match_params": params},
        )  # fmt: skip
    text = facts(explain_text(golden(PLAY)), steps.ROUTES)
    assert "http://one/xAPI: would get it" in text
    assert "http://two/xAPI: would not get it, since match_params say no: context.org_id" in text
    assert "secret" not in text
    given = explain_text(golden(PLAY), destination_config='{"url": "http://given/xAPI"}')
    assert facts(given, steps.ROUTES) == "http://given/xAPI: would get it"


def test_clickhouse_is_asked_whether_it_has_them(explain_text, tmp_path, replay):
    config = json.dumps({"path": str(tmp_path / "clickhouse")})
    given = {"destination_provider": "CLICKHOUSE", "destination_config": config}
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "one.log").write_text(json.dumps(golden(PLAY)))
    source = json.dumps({"key": str(tmp_path), "container": "logs"})
    replay(
        "--source_provider", "LOCAL", "--source_config", source, "--destination_provider", "CLICKHOUSE",
        "--destination_config", config, "--create_tables", "--log_to", "null",
    )  # fmt: skip
    assert "statement 1 is already in" in facts(explain_text(golden(PLAY), **given), steps.CLICKHOUSE)
    assert "statement 1 is not in" in facts(explain_text(golden("pause_video"), **given), steps.CLICKHOUSE)


def test_a_refusal_is_explained_with_the_rule(explain, explain_text, tmp_path):
    explain_text(event("edx.ui.lms.link_clicked", event__target_url="#main"))  # writes the log
    log = str(tmp_path / "one.log")
    refusal = {"object": log, "offset": 0, "reason": "invalid", "event": None, "statement_id": "1", "status": 400}
    (tmp_path / "rejects.jsonl").write_text(json.dumps(refusal) + "\n")
    [found] = explain(from_rejects=str(tmp_path / "rejects.jsonl"))
    assert "object.id: is not an IRI with a scheme" in facts(found, steps.RULES)
    assert "a destination has refused a statement (invalid)" in facts(found, steps.REFUSED)
    assert "400" in facts(found, steps.REFUSED)


def test_clickhouse_that_does_not_answer_is_no_error(explain_text):
    given = {"destination_provider": "CLICKHOUSE", "destination_config": '{"url": "http://127.0.0.1:9"}'}
    assert facts(explain_text(golden(PLAY), **given), steps.CLICKHOUSE).startswith("not known: ")


def test_line_limits_are_those_of_the_format(explain_text):
    raw = event("problem_check.server", event__submission={})
    answer = {"answer": "x" * 20_000, "question": "q", "response_type": "stringresponse", "input_type": "textline"}
    raw["event"]["submission"] = {"a_2_1": answer | {"correct": True, "variant": ""}}
    text = facts(explain_text(raw), steps.TRANSPORTS)
    assert "too long for docker" in text
    assert "within the limit of kubernetes" in text
    logged = facts(explain_text(golden(PLAY), log_format="raw"), steps.TRANSPORTS)
    assert "in the format raw" in logged


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@example(b"BZh9")
def test_any_line_has_an_explanation(explain_text, text):
    line = text.replace(b"\n", b" ")
    assume(not is_compressed(line + b"\n"))
    found = explain_text(line)
    assert bool(found.ending) == (not found.statements)
    output = shown(found, colours=False)
    assert output.endswith(("\n",))
    assert not {character for character in output if ord(character) < 32} - {"\n"}


@pytest.mark.parametrize("value", ["\x1b[31m red", "\u202e reversed", "a\rb", "\x9b1m", "a\x00b", "x" * 5000])
def test_hostile_texts_do_not_reach_the_terminal(explain_text, value):
    raw = event(PLAY, session=value, context__course_id=value, context__user_id=value)
    for changed in (raw, event(PLAY, session=value), event(PLAY, name=value)):
        for with_content in (True, False):
            output = shown(explain_text(changed, with_content=with_content), colours=False)
            assert not {character for character in output if character in "\x1b\u202e\r\x9b\x00"}


def test_colours_are_for_terminals_only(explain_text):
    found = explain_text(golden(PLAY))
    assert "\x1b[" in shown(found, colours=True)
    assert "\x1b[" not in shown(found, colours=False)


def test_nothing_is_logged(explain_text, caplog):
    with caplog.at_level(logging.DEBUG):
        explain_text(event(PLAY, context__user_id=999_999))
        explain_text(golden(PLAY))
    assert [record for record in caplog.records if record.name.startswith(("xapi", "event_routing"))] == []
