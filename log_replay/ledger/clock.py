"""The clocks of leases: the database's clock decides, and a steady clock tells a process when to stop."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

# CLOCK_MONOTONIC does not advance while a machine is suspended.
_STEADY = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class DatabaseNow(Now):
    """The database's time in UTC. All processes have the same database, but not always the same clock."""

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the SQL for MySQL and MariaDB, whose CURRENT_TIMESTAMP is in the time zone of the session."""
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


def from_now(seconds: float) -> Combinable:
    """Return the expression for a time of the database's clock."""
    return ExpressionWrapper(DatabaseNow() + timedelta(seconds=seconds), output_field=DateTimeField())


def steady_seconds() -> float:
    """Return the time of a clock of this machine that nobody sets and that advances while the machine is suspended."""
    return time.monotonic() if _STEADY is None else time.clock_gettime(_STEADY)
