"""Statements as event-routing-backends (ERB) itself makes them: its registries, whitelists, filters and processors.

ERB's only importer. Its transformers look users and courses up through functions of ``helpers``; while a run lasts,
those answer from the block's identities (``identities_answer``), so that no path asks the database twice.
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

from log_replay.errors import ConfigurationError
from log_replay.identities import UnknownIdentity
from log_replay.records import Statement
from log_replay.statements.identifiers import caliper_event_id
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.identities import Identities
    from log_replay.records import Event

ENGINE = "event_transformer"
ENABLED = {"xapi": XAPI_EVENTS_ENABLED, "caliper": CALIPER_EVENTS_ENABLED}
#: What ``helpers`` looks identities up through.
REPLACED = ("get_user", "get_course_overviews", "ExternalId", "ExternalIdType")
#: How ERB's get_anonymous_user_id puts it.
UNKNOWN_USER = re.compile(r"User with username (.*) does not exist\.", re.DOTALL)


class NoStatement(ValueError):
    """A known event gave no statement; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UpstreamTransformer:
    """Makes statements through ERB's own transformers, as ``EVENT_TRACKING_BACKENDS`` configures them.

    Args:
        transformer_type: ``xapi`` or ``caliper``.

    Raises:
        ConfigurationError: the settings switch this type off, or do not configure ERB for it.
    """

    def __init__(self, transformer_type: str) -> None:
        if not ENABLED[transformer_type].is_enabled():
            raise ConfigurationError(
                f"{transformer_type.upper()}_EVENTS_ENABLED is off, so no {transformer_type} statements may be made",
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
        """Say ``processors`` if an operator put others than ERB's own into the way of statements."""
        own = (XApiProcessor, CaliperProcessor, CaliperEnvelopeProcessor)
        return None if all(type(processor) in own for processor in self._processors) else "processors"

    @property
    def sensor_id(self) -> str | None:
        """Who sends Caliper's envelopes, if there are any."""
        envelopes = [found for found in self._processors if isinstance(found, CaliperEnvelopeProcessor)]
        return envelopes[0].sensor_id if envelopes else None

    @property
    def names(self) -> frozenset[str]:
        """The event names that give statements: whitelisted, and known to the registry."""
        return self._names

    def transform(self, event: Event, identities: Identities) -> tuple[Statement, ...]:  # noqa: ARG002 - see below
        """Return the event's statements; the identities are those of the ``identities_answer`` around the call."""
        results: list[Any] = [event.fields]
        for processor in self._processors:
            if _transforms(processor):
                results = [made for fields in results for made in self._transform(processor, fields)]
            else:
                results = processor(results)
        if not results:
            raise NoStatement("no_statement")
        finish = _xapi_statement if self._type == "xapi" else _caliper_statement
        return tuple(finish(made, event, index) for index, made in enumerate(results))

    def _transform(self, processor: Any, fields: dict[str, Any]) -> list[Any]:
        try:
            made = processor.registry.get_transformer(fields).transform()
        except ValueError as error:
            raise _name_unknown_user(error) from None
        if self._type == "caliper":
            return [made] if made else []
        statements = made if isinstance(made, list) else [made]
        if not all(statement.object and statement.object.id for statement in statements):
            # The LMS drops these as well, with a line in its debug log.
            raise NoStatement("no_object_id")
        return [json.loads(statement.to_json()) for statement in statements]


def _configured(transformer_type: str) -> tuple[list[Any], list[frozenset[str]]]:
    """Return the processors that the settings configure for a type, and every whitelist on the way to them.

    Only the processors are made: ERB's routers, which send through Celery, are not for us.
    """
    try:
        engine = getattr(settings, "EVENT_TRACKING_BACKENDS", {})[ENGINE]["OPTIONS"]
        router = engine["backends"][transformer_type]["OPTIONS"]
        nodes = [*engine.get("processors", []), *router.get("processors", [])]
        found = [import_string(node["ENGINE"])(**node.get("OPTIONS", {})) for node in nodes]
    except (AttributeError, KeyError, TypeError, ImportError) as error:
        raise ConfigurationError(
            f"EVENT_TRACKING_BACKENDS[{ENGINE!r}] does not configure {transformer_type}: {error!r}",
            hint="event_routing_backends' own settings do; an override must keep their shape",
        ) from error
    whitelists = [processor.whitelist for processor in found if isinstance(processor, NameWhitelistProcessor)]
    return [processor for processor in found if not isinstance(processor, NameWhitelistProcessor)], whitelists


def _name_unknown_user(error: ValueError) -> ValueError:
    """Tell an unknown user, and nobody at all, from the other things that ERB raises ValueError for."""
    said = UNKNOWN_USER.fullmatch(str(error)) if type(error) is ValueError else None
    return UnknownIdentity("anonymous" if said[1] in {"", "None"} else "unknown_user") if said else error


def _transforms(processor: Any) -> bool:
    return isinstance(processor, BaseTransformerProcessorMixin)


def _xapi_statement(made: dict[str, Any], _event: Event, _index: int) -> Statement:
    return Statement(str(made["id"]), str(made.get("timestamp", "")), json_text(made))


def _caliper_statement(made: dict[str, Any], event: Event, index: int) -> Statement:
    """Finish a Caliper event, in its envelope if there is one: with an id that a replay gives it again.

    ``sendTime`` is the event's own time, for the same reason: a statement's text must not depend on when it was made.
    """
    inner = made["data"][0] if "dataVersion" in made else made
    inner["id"] = caliper_event_id(event.json_text, index)
    if "sendTime" in made:
        made["sendTime"] = inner["eventTime"]
    return Statement(inner["id"], inner["eventTime"], json_text(made))


@contextmanager
def identities_answer(identities: Identities) -> Iterator[None]:
    """Let ERB's helpers ask these identities, in this thread, for as long as the context lasts.

    Raises:
        ConfigurationError: another run in this process does so already.
    """
    if not _answering.acquire(blocking=False):
        raise ConfigurationError("another replay is running in this process")
    answers = _Answers(identities)
    loggers = [
        logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("event_routing_backends")
    ]
    try:
        _forget_cached()
        answers.install()
        for logger in loggers:
            logger.addFilter(answers.is_elsewhere)
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(answers.is_elsewhere)
        answers.remove()
        _forget_cached()
        _answering.release()


_answering = threading.Lock()


def _forget_cached() -> None:
    helpers.get_anonymous_user_id.cache_clear()
    helpers.get_course_from_id.cache_clear()


class _Answers:
    """Stand-ins for what ``helpers`` asks. Other threads, where the LMS may be at work, get the originals."""

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

    def is_elsewhere(self, _record: logging.LogRecord) -> bool:
        """Let ERB's loggers speak in other threads only: in ours they would print usernames."""
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
    """What edx-platform's model of that name has beside rows."""

    XAPI = "xapi"
    CALIPER = "caliper"
    LTI = "lti"
