"""What is kept is made once, and there is never too much of it."""

import pytest

from log_replay.statements.native.kept import Kept


def test_each_is_made_once():
    made = []
    kept = Kept(lambda key: made.append(key) or key.upper(), 10)
    assert [kept["a"], kept["b"], kept["a"]] == ["A", "B", "A"]
    assert made == ["a", "b"]


def test_what_could_not_be_made_is_not_kept():
    kept = Kept(int, 10)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            kept["x"]
    assert not kept


def test_there_are_never_too_many():
    kept = Kept(str, 3)
    for number in range(10):
        assert kept[number] == str(number)
        assert len(kept) <= 3
