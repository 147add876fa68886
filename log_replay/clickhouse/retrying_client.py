"""Requests to ClickHouse with retries and translated errors, for all rooms that send any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from log_replay.clickhouse.clients import connect, shown_place
from log_replay.clickhouse.error_kinds import FOREIGN, ErrorKind, error_hint, error_kind, error_reason, temporary_error
from log_replay.errors import ConfigurationError, DestinationUnavailable, RefusedBatch
from log_replay.retry import RetryPolicy, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clickhouse_connect.driver.client import Client

T = TypeVar("T")


class RetryingClient:
    """A connection to ClickHouse that opens on first use, retries temporary errors and translates all errors.

    A request is a function of the driver's client. It runs again after a temporary error, so it must be safe to repeat.

    Args:
        config: see ``connect``.
        retry_policy: how often to retry.
    """

    def __init__(self, config: Mapping[str, Any], retry_policy: RetryPolicy | None = None) -> None:
        self._config = config
        self._retry_policy = retry_policy or RetryPolicy()
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The driver's client.

        Raises:
            ConfigurationError: the connection cannot be opened.
        """
        if self._client is None:
            self._client = connect(self._config)
        return self._client

    def shown(self, table: str) -> str:
        """Return a table's name and the place of the ClickHouse, for messages."""
        return f"{table} at {shown_place(self._config)}"

    def check(self, request: Callable[[Client], T], *, operation: str, table: str) -> T:
        """Run a request before the run begins, without retries.

        Raises:
            ConfigurationError: the request failed, for whatever reason.
        """
        client = self.client
        try:
            return request(client)
        except FOREIGN as error:
            raise ConfigurationError(
                error_reason(error), operation=operation, object=self.shown(table), hint=error_hint(error)
            ) from temporary_error(error)

    def run(self, request: Callable[[Client], T], *, operation: str, table: str) -> T:
        """Run a request during the run.

        Raises:
            RefusedBatch: ClickHouse refuses these rows or this query.
            DestinationUnavailable: no request of this kind can succeed, or no retry has succeeded.
        """
        last_hint: str | None = None

        def attempt() -> T:
            nonlocal last_hint
            try:
                return request(self.client)
            except FOREIGN as error:
                last_hint = error_hint(error)
                if error_kind(error) is ErrorKind.TEMPORARY:
                    raise TemporaryError(error_reason(error)) from None
                failure = RefusedBatch if error_kind(error) is ErrorKind.REFUSED else DestinationUnavailable
                # "from None", because the driver's message can quote the rows.
                raise failure(
                    error_reason(error), operation=operation, object=self.shown(table), hint=last_hint
                ) from None

        try:
            return self._retry_policy.call(attempt)
        except TemporaryError as error:
            message = f"{error} ({self._retry_policy.retries + 1} attempts)"
            raise DestinationUnavailable(
                message, operation=operation, object=self.shown(table), hint=last_hint
            ) from None

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None
