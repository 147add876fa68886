"""An LRS without HTTP, as strict and as talkative as a test wants it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from log_replay.sinks.lrs.responses import LrsResponse


@dataclass
class MemoryLrs:
    """Takes a batch or refuses it whole, as xAPI says.

    Args:
        stored: what is there already, by id.
        invalid: the ids of statements that it does not take.
        names_culprits: whether its answers say which statements they are about.
        finds: whether it can be asked for a statement.
        refuses_identical: whether it answers 409 for what is there already even if it is the same.
        answers_new_only: whether success names what was stored now, rather than all that was sent.
        most_bytes: what is longer is refused.
    """

    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    invalid: set[str] = field(default_factory=set)
    names_culprits: bool = False
    finds: bool = True
    refuses_identical: bool = False
    answers_new_only: bool = True
    most_bytes: int = 10**9
    posts: int = 0
    asked: int = 0

    def post(self, texts) -> LrsResponse:
        self.posts += 1
        if sum(map(len, texts)) > self.most_bytes:
            return LrsResponse(413)
        statements = [json.loads(text) for text in texts]
        ids = [statement["id"] for statement in statements]
        if wrong := [place for place, id_ in enumerate(ids) if id_ in self.invalid]:
            warnings = [f"Problem in 'statements.{place}.actor'. Received '{{}}'" for place in wrong]
            return self._refusal(400, {"warnings": warnings})
        for statement in statements:
            there = self.stored.get(statement["id"])
            if there is not None and (self.refuses_identical or there != statement):
                return self._refusal(409, {"message": f"{statement['id']} is conflicting"})
        new = [id_ for id_ in ids if id_ not in self.stored]
        self.stored |= {statement["id"]: statement for statement in statements}
        named = new if self.answers_new_only else ids
        return LrsResponse(200, json.dumps(named).encode()) if named else LrsResponse(204)

    def ask(self, statement_id: str) -> Any:
        self.asked += 1
        return self.stored.get(statement_id) if self.finds else None

    def _refusal(self, status: int, content: dict[str, Any]) -> LrsResponse:
        return LrsResponse(status, json.dumps(content if self.names_culprits else {}).encode())
