"""Confirmation by the LRS: only statements that it names, or that it returns, count as delivered."""

from __future__ import annotations

import json
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.bisection import Outcome, bisect
from log_replay.sinks.lrs.routes import Route
from tests.support.lrs_sinks import sink_of
from tests.support.memory_lrs import MemoryLrs
from tests.support.scripted_server import LrsResponse, ScriptedServer
from tests.support.statement_batches import batch_of, event, xapi


class ListingLrs(ScriptedServer):
    """Responds to a post with the ids that ``listed`` chooses, stores what ``stored`` chooses, and returns that."""

    def __init__(self, listed, stored=lambda ids: ids) -> None:
        super().__init__()
        self.listed, self.stored = listed, stored
        self.statements: dict[str, dict] = {}
        self.lookup_status = 404

    def next_answer(self, asked):
        self.asked.append(asked)
        if asked.method == "POST":
            statements = {statement["id"]: statement for statement in json.loads(asked.body)}
            self.statements |= {id_: statements[id_] for id_ in self.stored(list(statements))}
            return LrsResponse(200, body=json.dumps(self.listed(list(statements))).encode())
        found = self.statements.get(parse_qs(urlsplit(asked.path).query)["statementId"][0])
        return LrsResponse(200, body=json.dumps(found).encode()) if found else LrsResponse(self.lookup_status)

    @property
    def lookups(self) -> int:
        return sum(asked.method == "GET" for asked in self.asked)


def first_id(ids):
    return ids[:1]


def no_id(_ids):
    return []


def foreign_ids(ids):
    return [str(uuid.uuid4()) for _ in ids]


@pytest.mark.parametrize("listed", [no_id, foreign_ids])
@pytest.mark.parametrize("lookup_status", [404, 403, 503])
def test_statements_that_are_not_stored_and_not_named_fail(listed, lookup_status):
    with ListingLrs(listed, stored=no_id) as lrs:
        lrs.lookup_status = lookup_status
        delivery = sink_of(Route(lrs.url)).deliver(batch_of(50))
    assert delivery[:4] == (0, 0, 0, 50)
    assert {refusal.reason for refusal in delivery.refusals} == {"unconfirmed"}
    assert "it answered 200 OK: statements that its response does not name" in delivery.failures[0]


def test_of_fifty_statements_only_the_named_ones_are_delivered():
    batch = batch_of(50)
    with ListingLrs(first_id, stored=first_id) as lrs:
        delivery = sink_of(Route(lrs.url)).deliver(batch)
    assert delivery[:4] == (2, 0, 0, 48)
    assert {each.statements[0].id for each in batch[:2]} == lrs.statements.keys()
    assert delivery.outcomes == ["delivered"] * 2 + ["failed"] * 48


def test_unnamed_statements_that_the_lrs_returns_are_delivered():
    """The operator is told once that the LRS names none."""
    with ListingLrs(no_id) as lrs, capture_logs() as logs:
        sink = sink_of(Route(lrs.url))
        assert [sink.deliver(batch_of(5)).delivered for _ in range(3)] == [5, 5, 5]
    assert [entry["event"] for entry in logs] == ["LRS names no stored statement; each one is fetched from it"]


def test_unnamed_statement_with_other_content_is_a_conflict():
    stored = xapi()
    sent = xapi(id=stored.id, result={"completion": True})
    with ListingLrs(no_id, stored=no_id) as lrs:
        lrs.statements[stored.id] = json.loads(stored.text)
        delivery = sink_of(Route(lrs.url)).deliver([event(sent)])
    assert [refusal.reason for refusal in delivery.refusals] == ["conflict"]


def test_named_ids_are_not_case_sensitive():
    with ListingLrs(lambda ids: [id_.upper() for id_ in ids]) as lrs:
        assert sink_of(Route(lrs.url)).deliver(batch_of(3)).delivered == 3
        assert lrs.lookups == 0


def test_statements_stored_before_are_confirmed_in_one_request():
    """Ralph lists only the statements that are new, and responds with 204 if there is none."""
    batch = batch_of(50)
    lrs = MemoryLrs(stored={each.statements[0].id: json.loads(each.statements[0].text) for each in batch[:20]})

    results = bisect(lrs, {each.statements[0].id: each.statements[0].text for each in batch})
    assert {result.outcome for result in results.values()} == {Outcome.DELIVERED}
    assert (lrs.posts, lrs.fetches) == (2, 0)


@pytest.mark.parametrize("lookup_status", [503, 403, 500])
def test_failed_lookup_decides_for_the_rest_of_the_batch(lookup_status):
    """Each further lookup would repeat all retries: 42 conflicts took more than 400 seconds."""

    class ConflictingLrs(ListingLrs):
        def next_answer(self, asked):
            answer = super().next_answer(asked)
            return LrsResponse(409) if asked.method == "POST" else answer

    with ConflictingLrs(no_id, stored=no_id) as lrs:
        lrs.lookup_status = lookup_status
        retry_policy = RetryPolicy(retries=6, first_delay_seconds=0.001)
        delivery = sink_of(Route(lrs.url), retry_policy=retry_policy).deliver(batch_of(42))
        assert lrs.lookups == (1 if lookup_status == 403 else 3)
    assert delivery.failed == 42
    assert {refusal.reason for refusal in delivery.refusals} == {"conflict"}
