"""Escaping text for terminals."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.terminal_text import escape_controls, shell_quoted

UTF_8 = {**os.environ, "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize(("text", "expected"), [
    ("plain, Käse, 💥", "plain, Käse, 💥"),
    ("\x1b[31mred", r"\x1b[31mred"),
    ("a\nb\r\tc\x00", r"a\nb\r\tc\x00"),
    ("\x7f\x9b", r"\x7f\x9b"),
    ("file\u202egpj.exe", r"file\u202egpj.exe"),
    ("caf\udce9", r"caf\udce9"),
])  # fmt: skip
def test_control_characters_are_escaped(text, expected):
    assert escape_controls(text) == expected


def test_line_ends_can_be_kept():
    assert escape_controls("a\x1b\nb\r", keep_line_ends=True) == "a\\x1b\nb\\r"


@given(st.text())
def test_escaped_text_has_no_control_character_and_is_utf_8(text):
    escaped = escape_controls(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in escaped)
    escaped.encode()


@pytest.mark.parametrize("word", ["a", "a b", "it's", "\x1b[31m", "two\nlines", "it's \\ \x7f\u202e", "é\x9b", "$'x\t"])
def test_a_quoted_word_is_read_by_bash_as_it_is(word):
    quoted = shell_quoted(word)
    assert escape_controls(quoted) == quoted
    script = f"printf %s {quoted}"
    assert subprocess.run(["bash", "-c", script], capture_output=True, check=True, env=UTF_8).stdout == word.encode()
