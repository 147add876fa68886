"""``load_identities``: files that it cannot load."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

USER = '{"id": 1, "username": "Ludmila"}'
WRONG = {
    "no JSON": b'{"users": [Ludmila',
    "no UTF-8": b'{"users": "Ludmila\xff"}',
    "no object": b'["Ludmila"]',
    "a user without an id": b'{"users": [{"username": "Ludmila"}]}',
    "no number": b'{"users": [{"id": "Ludmila", "username": "x"}]}',
    "no kind of external id": b'{"users": [{"id": 1, "username": "x", "external_ids": {"Ludmila": "x"}}]}',
    "the same name twice": f'{{"users": [{USER}, {USER.replace("1", "2")}]}}'.encode(),
}


def wrong(path) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("load_identities", str(path))
    assert caught.value.returncode == 2
    return str(caught.value)


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_file_with_other_content_is_refused_without_quoting_it(db, tmp_path, content):
    path = tmp_path / "identities.json"
    path.write_bytes(content)
    said = wrong(path)
    assert said.startswith(f"read {path}: its content is not users and courses in the expected form (")
    assert "Ludmila" not in said


def test_missing_file_is_wrong_usage(db, tmp_path):
    assert wrong(tmp_path / "none") == f"read {tmp_path}/none: No such file or directory"


def test_inside_an_lms_nothing_is_loaded(settings):
    settings.LOG_REPLAY_STANDALONE = False
    assert "only into the embedded database" in wrong("sample")
