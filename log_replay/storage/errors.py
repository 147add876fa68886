"""Translate the errors of libcloud, and of the libraries below it, into a reason, a hint and a delay."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple

from libcloud.common.types import InvalidCredsError, MalformedResponseError
from libcloud.storage.types import ContainerDoesNotExistError, InvalidContainerNameError, ObjectHashMismatchError
from urllib3.exceptions import HTTPError

from log_replay.network import reason_of, retry_after_seconds

if TYPE_CHECKING:
    import requests

#: Temporary, besides 5xx.
TEMPORARY_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class Failure(NamedTuple):
    """Why a request failed. The text is our own: the text of an error may contain a secret or a signed URL."""

    reason: str
    hint: str | None = None
    temporary: bool = False
    retry_after_seconds: float = 0


def failure_of(error: Exception, response: requests.Response | None) -> Failure:
    """Translate an error of a driver or of a stream.

    Args:
        error: the error.
        response: the response to the request that failed, if there was one.
    """
    if isinstance(error, ContainerDoesNotExistError | InvalidContainerNameError):
        return Failure("the container does not exist", 'create it, or check "container", and "host" or "region"')
    status = response.status_code if response is not None else None
    if isinstance(error, InvalidCredsError) or status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Failure("access denied", 'check "key" and "secret", and the permissions that they have')
    if response is not None and response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return _error_response(response)
    return _without_error_response(error)


def _without_error_response(error: Exception) -> Failure:
    if isinstance(error, ObjectHashMismatchError):
        return Failure("the stored object differs from what was sent", temporary=True)
    if isinstance(error, MalformedResponseError):
        return Failure("the server's response is not valid", 'check "host" and "port"', temporary=True)
    if isinstance(error, OSError | HTTPException | HTTPError) and not isinstance(error, ValueError):
        return Failure(reason_of(error), 'check "host", "port" and "secure"', temporary=True)
    return Failure(f"the provider's driver failed ({type(error).__name__})")


def _error_response(response: requests.Response) -> Failure:
    status = response.status_code
    reason = f"the server answered {status}"
    if status in TEMPORARY_STATUSES or (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
    ):
        return Failure(reason, "try again later", temporary=True, retry_after_seconds=retry_after_seconds(response))
    if status == HTTPStatus.NOT_FOUND:
        return Failure(reason, "the object may have been deleted after it was listed")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return Failure(reason, "the object is now shorter than when it was listed")
    if region := response.headers.get("x-amz-bucket-region"):
        return Failure(f"{reason}: the container is in the region {region}", f'set "region" to "{region}"')
    return Failure(reason, 'check "host", "region" and "secure"')
