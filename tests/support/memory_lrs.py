"""An LRS in memory, without HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from log_replay.sinks.lrs.bisection import LookupFailed
from log_replay.sinks.lrs.responses import LrsResponse


@dataclass
class MemoryLrs:
    """Accepts or refuses a batch as a whole, as xAPI requires.

    Args:
        stored: the stored statements by id.
        invalid: the ids of statements to refuse as invalid.
        names_refused: name the refused statements in responses.
        can_fetch: return stored statements.
        refuses_identical: respond with 409 to a stored statement even if it is the same.
        lists_new_only: list only the statements that were stored now, not all statements of the request.
        max_bytes: refuse longer requests.
    """

    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    invalid: set[str] = field(default_factory=set)
    names_refused: bool = False
    can_fetch: bool = True
    refuses_identical: bool = False
    lists_new_only: bool = True
    max_bytes: int = 10**9
    posts: int = 0
    fetches: int = 0

    def post(self, texts) -> LrsResponse:
        self.posts += 1
        if sum(map(len, texts)) > self.max_bytes:
            return LrsResponse(413)
        statements = [json.loads(text) for text in texts]
        ids = [statement["id"] for statement in statements]
        if wrong := [index for index, id_ in enumerate(ids) if id_ in self.invalid]:
            warnings = [f"Problem in 'statements.{index}.actor'. Received '{{}}'" for index in wrong]
            return self._refusal(400, {"warnings": warnings})
        for statement in statements:
            stored = self.stored.get(statement["id"])
            if stored is not None and (self.refuses_identical or stored != statement):
                return self._refusal(409, {"message": f"{statement['id']} is conflicting"})
        new = [id_ for id_ in ids if id_ not in self.stored]
        self.stored |= {statement["id"]: statement for statement in statements}
        named = new if self.lists_new_only else ids
        return LrsResponse(200, json.dumps(named).encode()) if named else LrsResponse(204)

    def fetch(self, statement_id: str) -> Any:
        self.fetches += 1
        if not self.can_fetch:
            raise LookupFailed
        return self.stored.get(statement_id)

    def report_unnamed(self) -> None:
        pass

    def _refusal(self, status: int, content: dict[str, Any]) -> LrsResponse:
        return LrsResponse(status, json.dumps(content if self.names_refused else {}).encode())
