"""What went wrong at ClickHouse, in words of our own: its messages quote the rows that they are about."""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as HTTPTimeout

from log_replay.errors import ConfigurationError

try:
    from clickhouse_connect.driver.exceptions import Error, OperationalError
except ImportError:  # then nothing raises it, and connecting says what to install

    class Error(Exception):  # type: ignore[no-redef]
        """Stands for the driver's errors."""

        code: int | None = None

    OperationalError = Error  # type: ignore[assignment,misc]


if TYPE_CHECKING:
    from collections.abc import Iterator

#: What clickhouse-connect raises over a connection: its own tree, urllib3's and sockets'.
FOREIGN = (Error, HTTPError, OSError)


class Kind(Enum):
    """What a failure means for whoever insists."""

    PASSING = "it may go well next time"
    LOST = "nothing can be done there"
    REFUSED = "it does not take this"


#: Errors that pass by themselves: load, memory, replicas, Keeper, the network between servers.
_PASSING = {
    3: "UNEXPECTED_END_OF_FILE",
    159: "TIMEOUT_EXCEEDED",
    160: "TOO_SLOW",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    225: "NO_ZOOKEEPER",
    236: "ABORTED",
    241: "MEMORY_LIMIT_EXCEEDED",
    242: "TABLE_IS_READ_ONLY",
    252: "TOO_MANY_PARTS",
    279: "ALL_CONNECTION_TRIES_FAILED",
    285: "TOO_FEW_LIVE_REPLICAS",
    286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
    319: "UNKNOWN_STATUS_OF_INSERT",
    394: "QUERY_WAS_CANCELLED",
    425: "SYSTEM_ERROR",
    439: "CANNOT_SCHEDULE_TASK",
    473: "DEADLOCK_AVOIDED",
    745: "SERVER_OVERLOADED",
    999: "KEEPER_EXCEPTION",
}
#: Errors that no other rows would fare better with.
_LOST = {
    16: "NO_SUCH_COLUMN_IN_TABLE",
    60: "UNKNOWN_TABLE",
    81: "UNKNOWN_DATABASE",
    164: "READONLY",
    192: "UNKNOWN_USER",
    193: "WRONG_PASSWORD",
    194: "REQUIRED_PASSWORD",
    195: "IP_ADDRESS_NOT_ALLOWED",
    201: "QUOTA_EXCEEDED",
    243: "NOT_ENOUGH_SPACE",
    291: "DATABASE_ACCESS_DENIED",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
}
_CREDENTIALS = frozenset({192, 193, 194, 195, 291, 497, 516})
_RETRIED_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_LOST_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
#: Servers before 19.5 have no header for it.
_CODE = re.compile(r"server response: Code: (\d+)")
_DECORATION = re.compile(
    r"^(?:Code: \d+\. )?(?:DB::Exception: )?|\. Expected one of:.*|: In scope SELECT formatQuery.*|\(version .*",
    re.DOTALL,
)
_STATUS = re.compile(r"HTTP status (\d{3})\b")
#: The most telling first: urllib3 calls a refused connection a timeout as well.
_NETWORK_REASONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (socket.gaierror, "its host name is not known"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionError, "the connection broke"),
    ((HTTPTimeout, TimeoutError), "no answer in time"),
)
_UNTRUSTED = "its TLS certificate is not trusted"


def kind(error: BaseException) -> Kind:
    """Return what a foreign error means."""
    code = _code(error)
    if code is not None:
        return Kind.PASSING if code in _PASSING else Kind.LOST if code in _LOST else Kind.REFUSED
    status = _status(error)
    if status is None:
        passing = not isinstance(error, Error) or isinstance(error, OperationalError)
        return Kind.PASSING if passing and _network_reason(error) != _UNTRUSTED else Kind.LOST
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRIED_STATUSES:
        return Kind.PASSING
    return Kind.LOST if status in _LOST_STATUSES else Kind.REFUSED


def reason(error: BaseException) -> str:
    """Return why it failed, without anything that a row or a URL could hold."""
    code = _code(error)
    if code is not None:
        name = _PASSING.get(code) or _LOST.get(code)
        return f"ClickHouse answered with error {code}" + (f" ({name})" if name else "")
    status = _status(error)
    return _network_reason(error) if status is None else f"ClickHouse answered with HTTP status {status}"


@contextmanager
def configuring(place: str) -> Iterator[None]:
    """Translate what goes wrong before anything is read or written.

    Raises:
        ConfigurationError: whatever it was.
    """
    try:
        yield
    except FOREIGN as error:
        raise ConfigurationError(reason(error), operation="look at", object=place, hint=hint(error)) from None


def message(error: BaseException) -> str:
    """Return ClickHouse's own words about a query, for whoever wrote that query and nobody else."""
    text = _DECORATION.sub("", str(error)).strip()
    return text.splitlines()[0] if text else reason(error)


def hint(error: BaseException) -> str | None:
    """Return what the operator can do about it, where that is known."""
    code = _code(error)
    if code in _CREDENTIALS or _status(error) in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return "check username and password, and that they may insert into and select from the table"
    if _status(error) == HTTPStatus.NOT_FOUND:
        return "check the url: it is the one of ClickHouse's HTTP interface"
    return None


def _code(error: BaseException) -> int | None:
    if not isinstance(error, Error) or error.code is not None:
        return getattr(error, "code", None)
    found = _CODE.search(str(error))
    return int(found[1]) if found else None


def _status(error: BaseException) -> int | None:
    found = _STATUS.search(str(error)) if isinstance(error, Error) else None
    return int(found[1]) if found else None


def _network_reason(error: BaseException) -> str:
    chain = list(_chain(error))
    for types, text in _NETWORK_REASONS:
        if any(isinstance(cause, types) for cause in chain):
            return text
    if any("CERTIFICATE_VERIFY_FAILED" in str(cause) for cause in chain):
        return _UNTRUSTED
    return f"it failed ({type(error).__name__})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
