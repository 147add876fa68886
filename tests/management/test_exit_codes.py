"""The exit code for each error."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from log_replay import errors
from log_replay.management.exit_codes import errors_exit

OURS = [
    found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, errors.LogReplayError)
]


@pytest.mark.parametrize("error", OURS)
def test_configuration_error_exits_with_2_and_others_with_1(error):
    with pytest.raises(CommandError, match=r"^read x: it broke \(mend it\)$") as caught, errors_exit():
        raise error("it broke", operation="read", object="x", hint="mend it")
    assert caught.value.returncode == (2 if error is errors.ConfigurationError else 1)


@pytest.mark.parametrize(("interrupt", "said"), [(("SIGTERM",), "stopped: SIGTERM"), ((), "stopped: interrupted")])
def test_interrupt_exits_with_1(interrupt, said):
    with pytest.raises(CommandError) as caught, errors_exit():
        raise KeyboardInterrupt(*interrupt)
    assert (str(caught.value), caught.value.returncode) == (said, 1)


def test_foreign_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), errors_exit():
        raise ZeroDivisionError
