"""The meaning of ClickHouse's errors. Messages of ClickHouse quote rows, so our messages never repeat them."""

from __future__ import annotations

import re
from enum import Enum
from http import HTTPStatus

from urllib3.exceptions import HTTPError

from log_replay.network import NO_TLS, UNKNOWN_HOST, UNTRUSTED, reason_of
from log_replay.retry import TemporaryError

try:
    from clickhouse_connect.driver.exceptions import Error, OperationalError
except ImportError:  # nothing can raise these errors then; ``connect`` reports which package is missing

    class Error(Exception):  # type: ignore[no-redef]
        """Substitute for the driver's base error."""

        code: int | None = None

    OperationalError = Error  # type: ignore[assignment,misc]


#: All errors that clickhouse-connect raises: its own, and those of urllib3 and of sockets.
FOREIGN = (Error, HTTPError, OSError)


class ErrorKind(Enum):
    """The possible meanings of an error for the caller."""

    TEMPORARY = "a retry may succeed"
    UNAVAILABLE = "no request of this kind can succeed"
    REFUSED = "these rows or this query are refused"


#: Errors that pass without any action: load, memory, replicas, Keeper, the network between servers.
_TEMPORARY = {
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
#: Errors that do not depend on the rows.
_UNAVAILABLE = {
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
_TOO_MANY_PARTS = 252
_NETWORK_HINTS = {
    NO_TLS: "use a url with http://, or the port of HTTPS",
    UNKNOWN_HOST: "check the host name in url",
    UNTRUSTED: "set ca_cert to the file of your CA",
}
_MAX_MESSAGE_LENGTH = 300
_CREDENTIALS = frozenset({192, 193, 194, 195, 291, 497, 516})
_RETRIED_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_UNAVAILABLE_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
#: Servers before 19.5 send no header with the code.
_CODE = re.compile(r"server response: Code: (\d+)")
_BOILERPLATE = re.compile(
    r"^(?:Code: \d+\. )?(?:DB::\w*Exception: )?|\. Expected one of:.*|: In scope SELECT formatQuery.*|\(version .*",
    re.DOTALL,
)
_STATUS = re.compile(r"HTTP status (\d{3})\b")


def error_kind(error: BaseException) -> ErrorKind:
    """Return the meaning of an error of the driver."""
    code, status = _code(error), _status(error)
    if code is not None:
        is_temporary, is_unavailable = code in _TEMPORARY, code in _UNAVAILABLE
    elif status is not None:
        is_temporary = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRIED_STATUSES
        is_unavailable = status in _UNAVAILABLE_STATUSES
    else:
        is_network_error = not isinstance(error, Error) or isinstance(error, OperationalError)
        is_temporary = is_network_error and reason_of(error) not in {NO_TLS, UNTRUSTED}
        is_unavailable = True
    if is_temporary:
        return ErrorKind.TEMPORARY
    return ErrorKind.UNAVAILABLE if is_unavailable else ErrorKind.REFUSED


def temporary_error(error: BaseException) -> TemporaryError | None:
    """Return the error that stands for an error of the driver if a retry may succeed, otherwise None."""
    return TemporaryError(error_reason(error)) if error_kind(error) is ErrorKind.TEMPORARY else None


def error_reason(error: BaseException) -> str:
    """Return why a request failed, without any content of a row or a URL."""
    code = _code(error)
    if code is not None:
        name = _TEMPORARY.get(code) or _UNAVAILABLE.get(code)
        return f"ClickHouse answered with error {code}" + (f" ({name})" if name else "")
    status = _status(error)
    return reason_of(error) if status is None else f"ClickHouse answered with HTTP status {status}"


def error_message(error: BaseException) -> str:
    """Return ClickHouse's own message, which may quote the query: show it only to the user who wrote the query."""
    text = _BOILERPLATE.sub("", str(error)).strip()
    if not text:
        return error_reason(error)
    line = text.splitlines()[0]
    return line if len(line) <= _MAX_MESSAGE_LENGTH else f"{line[:_MAX_MESSAGE_LENGTH]}..."


def error_hint(error: BaseException) -> str | None:
    """Return what the operator can do about an error, or None if that is not known."""
    code = _code(error)
    if code in _CREDENTIALS or _status(error) in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return (
            "check username and password (with a URL: CLICKHOUSE_USER and CLICKHOUSE_PASSWORD), and the user's rights "
            "to SELECT from the table and to INSERT into it"
        )
    if code == _TOO_MANY_PARTS:
        return "a larger --batch_size creates fewer parts"
    if _status(error) in {HTTPStatus.NOT_FOUND, HTTPStatus.NOT_IMPLEMENTED}:
        return "check that url is the URL of ClickHouse's HTTP interface"
    network_hint = _NETWORK_HINTS.get(reason_of(error)) if code is None and _status(error) is None else None
    if network_hint:
        return network_hint
    return "check that ClickHouse is running and not overloaded" if error_kind(error) is ErrorKind.TEMPORARY else None


def _code(error: BaseException) -> int | None:
    if not isinstance(error, Error) or error.code is not None:
        return getattr(error, "code", None)
    found = _CODE.search(str(error))
    return int(found[1]) if found else None


def _status(error: BaseException) -> int | None:
    found = _STATUS.search(str(error)) if isinstance(error, Error) else None
    return int(found[1]) if found else None
