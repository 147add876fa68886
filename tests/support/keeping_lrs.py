"""An LRS that remembers how often each statement got in, and is up or down as a test wants it."""

from __future__ import annotations

import json
from collections import Counter

from tests.support.scripted_server import Asked, LrsResponse, ScriptedServer


class KeepingLrs(ScriptedServer):
    """Takes everything while its script says 200; a statement that says so in ``refuses`` it never takes."""

    def __init__(self) -> None:
        super().__init__()
        self.received: Counter[str] = Counter()
        self.refuses = lambda _statement: False

    def next_answer(self, asked: Asked) -> LrsResponse:
        answer = super().next_answer(asked)
        if asked.method != "POST" or answer.status != 200:
            return answer
        statements = json.loads(asked.body)
        if any(map(self.refuses, statements)):
            return LrsResponse(400)
        self.received.update(statement["id"] for statement in statements)
        return answer

    def dies_after(self, posts: int, answer: LrsResponse | None = None) -> None:
        """LrsResponse to the question whether it is there, and to so many posts; then say this for good."""
        self.script = [*[LrsResponse()] * (posts + 1), answer or LrsResponse(503)]

    def is_up(self) -> None:
        self.script = [LrsResponse()]
