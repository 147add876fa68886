"""Bisection of refused batches, and the meaning of responses."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.sinks.lrs.bisection import Outcome, bisect
from log_replay.sinks.lrs.responses import LrsResponse
from tests.support.memory_lrs import MemoryLrs
from tests.support.statement_batches import xapi


def statements(count: int) -> dict[str, bytes]:
    return {statement.id: statement.text for statement in (xapi() for _ in range(count))}


def altered(text: bytes) -> dict:
    return {**json.loads(text), "result": {"completion": True}}


def shown(results) -> list[str]:
    return [result.reason or result.outcome.name.lower() for result in results.values()]


KINDS = ["new", "identical", "differing", "invalid"]
LRSS = st.builds(
    MemoryLrs,
    names_refused=st.booleans(),
    can_fetch=st.booleans(),
    refuses_identical=st.booleans(),
    lists_new_only=st.booleans(),
)


@given(lrs=LRSS, kinds=st.lists(st.sampled_from(KINDS), max_size=40))
def test_all_acceptable_statements_are_stored(lrs, kinds):
    texts = statements(len(kinds))
    of = dict(zip(texts, kinds, strict=True))
    lrs.invalid = {id_ for id_ in texts if of[id_] == "invalid"}
    lrs.stored |= {id_: json.loads(texts[id_]) for id_ in texts if of[id_] == "identical"}
    lrs.stored |= {id_: altered(texts[id_]) for id_ in texts if of[id_] == "differing"}
    results = bisect(lrs, texts)
    assert results.keys() == texts.keys()
    for id_, result in results.items():
        kind = of[id_]
        if kind == "new":
            assert result.outcome is Outcome.DELIVERED
            assert lrs.stored[id_] == json.loads(texts[id_])
        elif kind == "identical" and (lrs.can_fetch or not lrs.refuses_identical):
            assert result.outcome in {Outcome.DUPLICATE, Outcome.DELIVERED}
        else:
            # An LRS that refuses stored statements and cannot be asked may have stored anything.
            assert result.outcome is Outcome.FAILED
            assert result.reason == ("invalid" if kind == "invalid" else "conflict")


@given(lrs=LRSS, size=st.integers(1, 300), data=st.data())
def test_one_invalid_statement_is_found_in_few_requests(lrs, size, data):
    texts = statements(size)
    invalid = data.draw(st.sampled_from(sorted(texts)))
    lrs.invalid = {invalid}
    results = bisect(lrs, texts)
    assert [id_ for id_, result in results.items() if result.outcome is Outcome.FAILED] == [invalid]
    assert lrs.posts <= (3 if lrs.names_refused else 2 * math.ceil(math.log2(size)) + 1)


@pytest.mark.parametrize("status", [400, 409, 413, 422, 418])
def test_all_refused_takes_two_requests_a_statement_at_most(status):
    class Refuser(MemoryLrs):
        def post(self, texts):
            super().post(texts)
            return LrsResponse(status)

    lrs = Refuser(can_fetch=False)
    results = bisect(lrs, statements(50))
    assert {result.outcome for result in results.values()} == {Outcome.FAILED}
    assert lrs.posts <= 100


def test_too_large_a_batch_is_sent_in_parts():
    texts = statements(64)
    lrs = MemoryLrs(max_bytes=sum(map(len, texts.values())) // 4)
    assert set(shown(bisect(lrs, texts))) == {"delivered"}


def test_too_large_a_statement_fails():
    lrs = MemoryLrs(max_bytes=10)
    assert shown(bisect(lrs, statements(3))) == ["too_large"] * 3


def test_same_statement_in_a_conflicting_batch_is_a_duplicate():
    texts = statements(3)
    new, identical, differing = texts
    lrs = MemoryLrs(
        stored={identical: json.loads(texts[identical]), differing: altered(texts[differing])}, names_refused=True
    )
    results = bisect(lrs, texts)
    assert [results[id_].outcome for id_ in (new, identical, differing)] == [
        Outcome.DELIVERED,
        Outcome.DUPLICATE,
        Outcome.FAILED,
    ]


def test_statements_of_an_attempt_without_response_are_delivered():
    class Forgetful(MemoryLrs):
        def post(self, texts):
            answer = super().post(texts)
            return LrsResponse(answer.status, answer.body, retried=True)

    texts = statements(20)
    differing, *others = texts
    lrs = Forgetful(stored={id_: json.loads(text) for id_, text in texts.items()}, can_fetch=False)
    lrs.stored[differing] = altered(texts[differing])
    results = bisect(lrs, texts)
    assert {results[id_].outcome for id_ in others} == {Outcome.DELIVERED}


def test_response_that_names_all_statements_is_no_hint():
    texts = statements(8)
    ids = list(texts)
    body = json.dumps({"echo": [json.loads(text) for text in texts.values()]}).encode()
    assert LrsResponse(400, body).named_statements(ids) == []
    assert LrsResponse(400, body).named_statements([*ids, "another"]) == ids


class TestPartialSuccess:
    """Ralph with partial success: it stores the valid statements of a batch."""

    class Partial(MemoryLrs):
        def post(self, texts):
            self.posts += 1
            ids = [json.loads(text)["id"] for text in texts]
            errors = [{"index": place, "reason": "no"} for place, id_ in enumerate(ids) if id_ in self.invalid]
            new = [id_ for id_ in ids if id_ not in self.invalid and id_ not in self.stored]
            self.stored |= {id_: {} for id_ in new}
            said = {"inserted": len(new), "rejected": len(errors), "ids": new, "errors": errors}
            return LrsResponse(200 if new else 400, json.dumps(said).encode())

    def test_statements_that_it_does_not_name_are_delivered(self):
        texts = statements(9)
        bad = list(texts)[4]
        lrs = self.Partial(invalid={bad})
        results = bisect(lrs, texts)
        assert shown(results).count("delivered") == 8
        assert results[bad].reason == "invalid"
        assert lrs.posts == 2

    def test_400_without_errors_means_all_were_stored_before(self):
        texts = statements(5)
        lrs = self.Partial(stored={id_: {} for id_ in texts})
        assert shown(bisect(lrs, texts)) == ["delivered"] * 5


def test_only_field_names_of_a_response_are_shown():
    said = {
        "detail": [
            {"loc": ["body", 1, "actor", "account", "ada@example.com"], "msg": "ada", "input": "ada"},
            {"loc": ["body", 0, "result", "response", 3], "type": "x"},
            {"loc": ["body"]},
            "ada",
        ],
        "warnings": ["Problem in 'statements.2.object.definition.name.en'. Received 'Ada'", 4],
        "message": "Ada said so",
    }
    answer = LrsResponse(422, json.dumps(said).encode())
    assert answer.fields == ["actor.account", "result.response", "object.definition.name.en"]
    assert answer.named_statements(list("abcdef")) == ["a", "b", "c"]
    assert "Ada" in answer.text


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["detail", "warnings", "loc", "ids", "errors", "index", "inserted", "rejected"]), inner
            )
        ),
        max_leaves=12,
    ).map(lambda content: json.dumps(content).encode()),
    st.integers(100, 599),
)
def test_any_response_can_be_read(body, status):
    answer = LrsResponse(status, body)
    assert set(answer.named_statements(["a", "b"])) <= {"a", "b"}
    assert isinstance(answer.fields, list)
    assert answer.stored is None or isinstance(answer.stored, set)
    assert answer.errors is None or all(isinstance(place, int) for place in answer.errors)
    assert len(answer.text) <= 2000
    assert answer.shown.startswith(str(status))
