"""What the errors of libcloud, and of all that it stands on, mean: the one place where they are translated."""

from __future__ import annotations

import time
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple

from libcloud.common.types import InvalidCredsError
from libcloud.storage.types import ContainerDoesNotExistError, InvalidContainerNameError
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    import requests

#: Besides 5xx: try again, later or more slowly.
PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class Failure(NamedTuple):
    """Why a request failed, in our own words, since foreign ones may quote a secret or a signed URL."""

    reason: str
    hint: str | None = None
    passing: bool = False
    retry_after_seconds: float = 0


def failure_of(error: Exception, response: requests.Response | None) -> Failure:
    """Return what an error means.

    Args:
        error: whatever a driver or a stream raised.
        response: to the request that failed, if it got one.
    """
    if isinstance(error, (ContainerDoesNotExistError, InvalidContainerNameError)):
        return Failure("there is no such container", 'check "container", and "host" or "region"')
    status = response.status_code if response is not None else None
    if isinstance(error, InvalidCredsError) or status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Failure("access was denied", 'check "key" and "secret", and that they may list and read')
    if response is not None and response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return _refusal(response)
    if isinstance(error, (OSError, HTTPException, HTTPError)) and not isinstance(error, ValueError):
        return Failure(f"the connection failed ({_cause(error)})", 'check "host", "port" and "secure"', passing=True)
    return Failure(f"the provider's driver failed ({type(error).__name__})")


def _refusal(response: requests.Response) -> Failure:
    status = response.status_code
    reason = f"the server answered {status}"
    if status in PASSING or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED):
        return Failure(reason, "try again later", passing=True, retry_after_seconds=_retry_after_seconds(response))
    if status == HTTPStatus.NOT_FOUND:
        return Failure(reason, "is it gone since it was listed?")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return Failure(reason, "it became shorter since it was listed")
    return Failure(reason, 'check "host", "region" and "secure"')


def _retry_after_seconds(response: requests.Response) -> float:
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    date = parsedate_tz(value)
    return max(0.0, mktime_tz(date) - time.time()) if date else 0.0


def _cause(error: BaseException) -> str:
    """Name the innermost error, such as ConnectionResetError; those around it all say ConnectionError."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return type(error).__name__
