"""C functions and their Python twins: the same arguments, and named tuples with the same fields."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from log_replay import _speedups

functions = pytest.importorskip("log_replay._speedups.functions", reason="C extension not built: install a C compiler")

#: Without C code there is nothing to tally: tests/inspect/test_profile.py compares tallies with lists of events.
TALLIES = {"new_tally", "count_tally"}


def c_functions():
    return {name: value for name, value in vars(functions).items() if callable(value) and not name.startswith("_")}


def twin_of(name):
    module, _, function = _speedups.TWINS[name].rpartition(".")
    return getattr(import_module(module), function)


def test_every_c_function_has_a_twin():
    assert c_functions().keys() - TALLIES == _speedups.TWINS.keys()


@pytest.mark.parametrize("name", _speedups.TWINS)
def test_a_twin_takes_the_same_arguments(name):
    arguments = [argument for argument in inspect.signature(getattr(functions, name)).parameters if argument.islower()]
    assert [argument.rstrip("_") for argument in inspect.signature(twin_of(name)).parameters] == arguments


@pytest.mark.parametrize("name", sorted(c_functions()))
def test_a_c_function_takes_as_many_arguments_as_documented(name):
    count = len(inspect.signature(getattr(functions, name)).parameters)
    for wrong in (count - 1, count + 1):
        with pytest.raises(TypeError, match="takes"):
            getattr(functions, name)(*[None] * wrong)


def test_other_fields_than_compiled_are_an_error_at_import():
    with pytest.raises(ImportError, match="C extension out of date: it expects the fields object, offset of Position"):
        _speedups.check_layout("Position", ("offset", "object"))


def test_an_extension_of_an_older_version_is_an_error_at_import(monkeypatch):
    monkeypatch.setattr(_speedups, "LAYOUTS", {})
    with pytest.raises(ImportError, match=r"make \.venv/\.dev"):
        _speedups.check_layout("Position", ("object", "offset"))


def test_without_the_extension_no_fields_are_checked(monkeypatch):
    monkeypatch.setattr(_speedups, "LAYOUTS", None)
    _speedups.check_layout("Position", ())
