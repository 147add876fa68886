"""Transform events with event-routing-backends' (ERB's) own registries, whitelists, filters and processors.

No other module imports ERB's transformers. They look up users and courses with functions of ERB's ``helpers``. During a
run, these return the block's identities (``identities_answer``), so that no transform path asks the database again.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.utils.module_loading import import_string
from event_routing_backends import helpers
from event_routing_backends.processors.caliper import CALIPER_EVENTS_ENABLED
from event_routing_backends.processors.caliper.envelope_processor import CaliperEnvelopeProcessor
from event_routing_backends.processors.caliper.transformer_processor import CaliperProcessor
from event_routing_backends.processors.mixins.base_transformer_processor import BaseTransformerProcessorMixin
from event_routing_backends.processors.xapi import XAPI_EVENTS_ENABLED
from event_routing_backends.processors.xapi.transformer_processor import XApiProcessor
from eventtracking.processors.whitelist import NameWhitelistProcessor

from log_replay.errors import ConfigurationError, RejectError
from log_replay.identities import UnknownIdentity
from log_replay.records import Statement
from log_replay.statements.identifiers import caliper_event_id
from log_replay.statements.releases import username_first
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.identities import Identities
    from log_replay.identities.cache import IdentityCache
    from log_replay.records import Event, Rejected, TransformedEvent

ENGINE = "event_transformer"
ENABLED = {"xapi": XAPI_EVENTS_ENABLED, "caliper": CALIPER_EVENTS_ENABLED}
#: The error message of ERB's get_anonymous_user_id.
UNKNOWN_USER = re.compile(r"User with username (.*) does not exist\.", re.DOTALL)


class NoStatement(RejectError):
    """A known event gave no statement."""


class UpstreamTransformer:
    """Transforms events with ERB's own transformers, as ``EVENT_TRACKING_BACKENDS`` configures them.

    Args:
        transformer_type: ``xapi`` or ``caliper``.

    Raises:
        ConfigurationError: the settings disable this type, or do not configure ERB for it.
    """

    def __init__(self, transformer_type: str) -> None:
        if not ENABLED[transformer_type].is_enabled():
            raise ConfigurationError(
                f"{transformer_type.upper()}_EVENTS_ENABLED is False: {transformer_type} statements are disabled",
                hint="set it to True in the settings",
            )
        self._type = transformer_type
        self._processors, whitelists = _configured(transformer_type)
        registries = [processor.registry for processor in self._processors if _transforms(processor)]
        if not registries:
            raise ConfigurationError(f"EVENT_TRACKING_BACKENDS has no transformer for {transformer_type}")
        self._names = frozenset(
            name for name in registries[0].mapping if all(name in allowed for allowed in whitelists)
        )

    @property
    def fallback_reason(self) -> str | None:
        """``processors`` if the settings configure processors that are not ERB's own."""
        own = (XApiProcessor, CaliperProcessor, CaliperEnvelopeProcessor)
        return None if all(type(processor) in own for processor in self._processors) else "processors"

    @property
    def sensor_id(self) -> str | None:
        """The sensor in Caliper's envelopes, if the settings configure envelopes."""
        envelopes = [found for found in self._processors if isinstance(found, CaliperEnvelopeProcessor)]
        return envelopes[0].sensor_id if envelopes else None

    @property
    def names(self) -> frozenset[str]:
        """The names of the events that give statements: those in both the whitelist and the registry."""
        return self._names

    @property
    def username_first(self) -> bool:
        """How the installed version finds the user of an event."""
        return username_first()

    def line_recipes(self, identities: IdentityCache) -> None:
        """ERB's transformers have no recipes."""

    def count_native(self, number: int) -> None:
        """ERB's transformers have no recipes, so there is nothing to count."""

    @property
    def verifies(self) -> bool:
        """False: there is nothing to compare with."""
        return False

    def verify(self, event: Event, identities: Identities, result: TransformedEvent | Rejected) -> None:
        """There is nothing to compare with."""

    def transform(self, event: Event, identities: Identities) -> tuple[Statement, ...]:  # noqa: ARG002 - see below
        """Return the event's statements. ERB's helpers use the identities of ``identities_answer``."""
        results: list[Any] = [event.fields]
        for processor in self._processors:
            if _transforms(processor):
                results = [statement for fields in results for statement in self._transform(processor, fields)]
            else:
                results = processor(results)
        if not results:
            raise NoStatement("no_statement")
        finish = _xapi_statement if self._type == "xapi" else _caliper_statement
        return tuple(finish(statement, event, index) for index, statement in enumerate(results))

    def _transform(self, processor: Any, fields: dict[str, Any]) -> list[Any]:
        try:
            transformed = processor.registry.get_transformer(fields).transform()
        except ValueError as error:
            raise _as_unknown_user(error) from None
        if self._type == "caliper":
            return [transformed] if transformed else []
        statements = transformed if isinstance(transformed, list) else [transformed]
        if not all(statement.object and statement.object.id for statement in statements):
            # The LMS drops them as well, with a message in its debug log.
            raise NoStatement("no_object_id")
        return [json.loads(statement.to_json()) for statement in statements]


def _configured(transformer_type: str) -> tuple[list[Any], list[frozenset[str]]]:
    """Return the processors that the settings configure for a transformer type, and the whitelists before them.

    ERB's routers are not created: they send statements through Celery.
    """
    try:
        engine = getattr(settings, "EVENT_TRACKING_BACKENDS", {})[ENGINE]["OPTIONS"]
        router = engine["backends"][transformer_type]["OPTIONS"]
        nodes = [*engine.get("processors", []), *router.get("processors", [])]
        found = [import_string(node["ENGINE"])(**node.get("OPTIONS", {})) for node in nodes]
    except (AttributeError, KeyError, TypeError, ImportError) as error:
        raise ConfigurationError(
            f"EVENT_TRACKING_BACKENDS[{ENGINE!r}] does not configure {transformer_type}: {error!r}",
            hint="event_routing_backends' own settings do; settings that replace it need the same structure",
        ) from error
    whitelists = [processor.whitelist for processor in found if isinstance(processor, NameWhitelistProcessor)]
    return [processor for processor in found if not isinstance(processor, NameWhitelistProcessor)], whitelists


def _as_unknown_user(error: ValueError) -> ValueError:
    """Return ``UnknownIdentity`` for an unknown user or no user, and the error itself for other errors."""
    message = UNKNOWN_USER.fullmatch(str(error)) if type(error) is ValueError else None
    if not message:
        return error
    return UnknownIdentity("anonymous" if message[1] in {"", "None"} else "unknown_user")


def _transforms(processor: Any) -> bool:
    return isinstance(processor, BaseTransformerProcessorMixin)


def _xapi_statement(statement: dict[str, Any], _event: Event, _index: int) -> Statement:
    return Statement(str(statement["id"]), str(statement.get("timestamp", "")), json_text(statement))


def _caliper_statement(statement: dict[str, Any], event: Event, index: int) -> Statement:
    """Return a Caliper event, in its envelope if it has one, with an id that is the same in each replay.

    ``sendTime`` is the event's own time for the same reason: each replay gives the same text.
    """
    caliper_event = statement["data"][0] if "dataVersion" in statement else statement
    caliper_event["id"] = caliper_event_id(event.json_text, index)
    if "sendTime" in statement:
        statement["sendTime"] = caliper_event["eventTime"]
    return Statement(caliper_event["id"], caliper_event["eventTime"], json_text(statement))


@contextmanager
def identities_answer(identities: Identities) -> Iterator[None]:
    """Let ERB's helpers use these identities, in this thread and inside the context.

    Raises:
        ConfigurationError: another run in this process does so already.
    """
    if not _lock.acquire(blocking=False):
        raise ConfigurationError("another replay is running in this process")
    replacements = _HelperReplacements(identities)
    loggers = [
        logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("event_routing_backends")
    ]
    try:
        _clear_caches()
        replacements.install()
        for logger in loggers:
            logger.addFilter(replacements.is_other_thread)
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(replacements.is_other_thread)
        replacements.remove()
        _clear_caches()
        _lock.release()


#: Held by the run that uses ERB's helpers.
_lock = threading.Lock()


def _clear_caches() -> None:
    for function in (helpers.get_anonymous_user_id, helpers.get_course_from_id):
        if hasattr(function, "cache_clear"):  # not before 9.3.2
            function.cache_clear()


class _HelperReplacements:
    """Replacements for functions and models of ERB's ``helpers``.

    Other threads, which may belong to the LMS, still get the originals.
    """

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._thread = threading.get_ident()
        self._originals = {
            name: getattr(helpers, name)
            for name in ("get_user", "get_course_overviews", "ExternalId", "ExternalIdType")
        }

    def install(self) -> None:
        helpers.get_user = self.get_user
        helpers.get_course_overviews = self.get_course_overviews
        helpers.ExternalId = self
        if helpers.ExternalIdType is None:
            helpers.ExternalIdType = _ExternalIdTypes

    def remove(self) -> None:
        for name, original in self._originals.items():
            setattr(helpers, name, original)

    def is_other_thread(self, _record: logging.LogRecord) -> bool:
        """Filter the records of ERB's loggers from this thread: they contain usernames."""
        return threading.get_ident() != self._thread

    def get_user(self, username_or_id: Any) -> Any:
        if threading.get_ident() != self._thread:
            return self._originals["get_user"](username_or_id)
        return self._identities.user(username_or_id)

    def add_new_user_id(self, user: Any, type_name: str) -> tuple[Any, bool]:
        if threading.get_ident() != self._thread:
            return self._originals["ExternalId"].add_new_user_id(user, type_name)  # type: ignore[no-any-return]
        if user.external_id is None:
            raise UnknownIdentity("no_external_id")
        return _ExternalId(user.external_id), False

    def get_course_overviews(self, course_keys: Any) -> Any:
        if threading.get_ident() != self._thread:
            return self._originals["get_course_overviews"](course_keys)
        return [{"id": str(key), "display_name": self._identities.course_name(str(key))} for key in course_keys]


class _ExternalId(NamedTuple):
    external_user_id: str


class _ExternalIdTypes:
    """The constants of edx-platform's ``ExternalIdType``."""

    XAPI = "xapi"
    CALIPER = "caliper"
    LTI = "lti"
