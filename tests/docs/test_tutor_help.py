"""The help of the Tutor plugin's commands is that of the commands in the container."""

from __future__ import annotations

from log_replay.docs.tutor_help import HELP, tutor_help


def test_the_plugins_help_is_up_to_date():
    written = {path: path.read_text(encoding="utf-8") for path in HELP.iterdir()}
    assert written == tutor_help(), "run `make reference`"


def test_every_line_fits_a_terminal():
    lines = [line for text in tutor_help().values() for line in text.splitlines()]
    assert len(lines) > 100
    assert [line for line in lines if len(line) > 110] == []
