"""An LRS that counts how often it received each statement, and that a test can make unavailable."""

from __future__ import annotations

import json
from collections import Counter

import orjson

from tests.support.scripted_server import Asked, LrsResponse, ScriptedServer


class KeepingLrs(ScriptedServer):
    """Accepts all statements while its script responds with 200, except those for which ``refuses`` returns True."""

    def __init__(self) -> None:
        super().__init__()
        self.received: Counter[str] = Counter()
        #: The text of each statement by its id, as JSON without spaces.
        self.stored: dict[str, bytes] = {}
        self.refuses = lambda _statement: False

    def next_answer(self, asked: Asked) -> LrsResponse:
        answer = super().next_answer(asked)
        if asked.method != "POST" or answer.status != 200:
            return answer
        statements = json.loads(asked.body)
        if any(map(self.refuses, statements)):
            return LrsResponse(400)
        self.received.update(statement["id"] for statement in statements)
        self.stored |= {statement["id"]: orjson.dumps(statement) for statement in statements}
        return answer

    def fail_after(self, posts: int, answer: LrsResponse | None = None) -> None:
        """Respond to the check and to a number of posts; then always respond with an error."""
        self.script = [*[LrsResponse()] * (posts + 1), answer or LrsResponse(503)]

    def recover(self) -> None:
        self.script = [LrsResponse()]
