from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.sinks.lrs.bisection import Outcome, settle
from log_replay.sinks.lrs.responses import LrsResponse
from tests.support.memory_lrs import MemoryLrs
from tests.support.statement_batches import xapi


def statements(count: int) -> dict[str, bytes]:
    return {statement.id: statement.text for statement in (xapi() for _ in range(count))}


def altered(text: bytes) -> dict:
    return {**json.loads(text), "result": {"completion": True}}


def seen(fates) -> list[str]:
    return [fate.reason or fate.outcome.name.lower() for fate in fates.values()]


KINDS = ["new", "identical", "differing", "invalid"]
LRSS = st.builds(
    MemoryLrs,
    names_culprits=st.booleans(),
    finds=st.booleans(),
    refuses_identical=st.booleans(),
    answers_new_only=st.booleans(),
)


@given(lrs=LRSS, kinds=st.lists(st.sampled_from(KINDS), max_size=40))
def test_every_statement_that_can_be_stored_is_and_every_other_is_named(lrs, kinds):
    texts = statements(len(kinds))
    of = dict(zip(texts, kinds, strict=True))
    lrs.invalid = {id_ for id_ in texts if of[id_] == "invalid"}
    lrs.stored |= {id_: json.loads(texts[id_]) for id_ in texts if of[id_] == "identical"}
    lrs.stored |= {id_: altered(texts[id_]) for id_ in texts if of[id_] == "differing"}
    fates = settle(lrs, texts)
    assert fates.keys() == texts.keys()
    for id_, fate in fates.items():
        kind = of[id_]
        if kind == "new":
            assert fate.outcome is Outcome.DELIVERED
            assert lrs.stored[id_] == json.loads(texts[id_])
        elif kind == "identical" and (lrs.finds or not lrs.refuses_identical):
            assert fate.outcome in {Outcome.DUPLICATE, Outcome.DELIVERED}
        else:
            # Who says no to what it has, and cannot be asked, may have anything.
            assert fate.outcome is Outcome.FAILED
            assert fate.reason == ("invalid" if kind == "invalid" else "conflict")


@given(lrs=LRSS, size=st.integers(1, 300), data=st.data())
def test_one_culprit_is_found_in_few_requests(lrs, size, data):
    texts = statements(size)
    culprit = data.draw(st.sampled_from(sorted(texts)))
    lrs.invalid = {culprit}
    fates = settle(lrs, texts)
    assert [id_ for id_, fate in fates.items() if fate.outcome is Outcome.FAILED] == [culprit]
    assert lrs.posts <= (3 if lrs.names_culprits else 2 * math.ceil(math.log2(size)) + 1)


@pytest.mark.parametrize("status", [400, 409, 413, 422, 418])
def test_an_lrs_that_refuses_everything_is_asked_at_most_twice_a_statement(status):
    class Refuser(MemoryLrs):
        def post(self, texts):
            super().post(texts)
            return LrsResponse(status)

    lrs = Refuser(finds=False)
    fates = settle(lrs, statements(50))
    assert {fate.outcome for fate in fates.values()} == {Outcome.FAILED}
    assert lrs.posts <= 100


def test_what_is_too_large_together_is_sent_in_parts():
    texts = statements(64)
    lrs = MemoryLrs(most_bytes=sum(map(len, texts.values())) // 4)
    assert set(seen(settle(lrs, texts))) == {"delivered"}


def test_what_is_too_large_alone_is_refused():
    lrs = MemoryLrs(most_bytes=10)
    assert seen(settle(lrs, statements(3))) == ["too_large"] * 3


def test_identical_statements_beside_a_conflict_are_duplicates():
    texts = statements(3)
    new, identical, differing = texts
    lrs = MemoryLrs(
        stored={identical: json.loads(texts[identical]), differing: altered(texts[differing])}, names_culprits=True
    )
    fates = settle(lrs, texts)
    assert [fates[id_].outcome for id_ in (new, identical, differing)] == [
        Outcome.DELIVERED,
        Outcome.DUPLICATE,
        Outcome.FAILED,
    ]


def test_what_an_unanswered_attempt_may_have_stored_is_delivered():
    class Forgetful(MemoryLrs):
        def post(self, texts):
            answer = super().post(texts)
            return LrsResponse(answer.status, answer.body, again=True)

    texts = statements(20)
    differing, *others = texts
    lrs = Forgetful(stored={id_: json.loads(text) for id_, text in texts.items()}, finds=False)
    lrs.stored[differing] = altered(texts[differing])
    fates = settle(lrs, texts)
    assert {fates[id_].outcome for id_ in others} == {Outcome.DELIVERED}


def test_an_answer_that_names_every_statement_is_no_hint():
    texts = statements(8)
    ids = list(texts)
    body = json.dumps({"echo": [json.loads(text) for text in texts.values()]}).encode()
    assert LrsResponse(400, body).suspects(ids) == []
    assert LrsResponse(400, body).suspects([*ids, "another"]) == ids


class TestPartialSuccess:
    """Ralph, where it is set to store what it can."""

    class Partial(MemoryLrs):
        def post(self, texts):
            self.posts += 1
            ids = [json.loads(text)["id"] for text in texts]
            errors = [{"index": place, "reason": "no"} for place, id_ in enumerate(ids) if id_ in self.invalid]
            new = [id_ for id_ in ids if id_ not in self.invalid and id_ not in self.stored]
            self.stored |= {id_: {} for id_ in new}
            said = {"inserted": len(new), "rejected": len(errors), "ids": new, "errors": errors}
            return LrsResponse(200 if new else 400, json.dumps(said).encode())

    def test_what_it_does_not_name_is_delivered(self):
        texts = statements(9)
        bad = list(texts)[4]
        lrs = self.Partial(invalid={bad})
        fates = settle(lrs, texts)
        assert seen(fates).count("delivered") == 8
        assert fates[bad].reason == "invalid"
        assert lrs.posts == 2

    def test_400_says_that_nothing_is_new_and_not_that_anything_is_wrong(self):
        texts = statements(5)
        lrs = self.Partial(stored={id_: {} for id_ in texts})
        assert seen(settle(lrs, texts)) == ["delivered"] * 5


def test_names_of_fields_are_all_that_is_known_of_an_answer():
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
    assert answer.suspects(list("abcdef")) == ["a", "b", "c"]
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
def test_no_answer_is_too_odd(body, status):
    answer = LrsResponse(status, body)
    assert set(answer.suspects(["a", "b"])) <= {"a", "b"}
    assert isinstance(answer.fields, list)
    assert answer.stored is None or isinstance(answer.stored, set)
    assert answer.errors is None or all(isinstance(place, int) for place in answer.errors)
    assert len(answer.text) <= 2000
    assert answer.shown.startswith(str(status))
