"""Transform events with event-routing-backends, with replacements for its imports from edx-platform.

As a script, it transforms a log without any of our code:

    python -m tests.support.upstream_reference xapi|caliper LOG [IDENTITIES]

It prints a JSON line for each event in the registry: its name, its line number, and its statements or the type of the
exception. ``Reference`` does the same in tests. It needs Django to be set up.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tests.support.paths import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT_URL = "http://localhost:18000"
IDENTITIES = SAMPLE / "identities.json"
NO_ID = "urn:uuid:00000000-0000-0000-0000-000000000000"
NO_TIME = "1970-01-01T00:00:00.000Z"


def set_up_django() -> None:
    """Configure Django with the settings that event-routing-backends needs at import."""
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "config_models",
            "event_routing_backends",
        ],
        LMS_ROOT_URL=ROOT_URL,
        XAPI_EVENTS_ENABLED=True,
        XAPI_EVENT_LOGGING_ENABLED=False,
        XAPI_AGENT_IFI_TYPE="external_id",
        CALIPER_EVENTS_ENABLED=True,
        CALIPER_EVENT_LOGGING_ENABLED=False,
        FERNET_KEYS=["no secret"],
        SECRET_KEY="no secret",
        USE_TZ=True,
        LOGGING_CONFIG=None,
    )
    django.setup()


class Users:
    """Replaces the model of users: ``objects.get(id=)`` and ``objects.filter(username=).first()``."""

    class DoesNotExist(Exception):
        """The user does not exist."""

    def __init__(self, users: list[dict[str, Any]]) -> None:
        self._by_id = {user["id"]: SimpleNamespace(**user) for user in users}
        self._by_name = {user.username: user for user in self._by_id.values()}
        self.objects = self

    def get(self, *, id: int) -> SimpleNamespace:  # noqa: A002 - Django's name
        if id not in self._by_id:
            raise self.DoesNotExist
        return self._by_id[id]

    def filter(self, *, username: Any) -> SimpleNamespace:
        # A database converts the value to a text.
        return SimpleNamespace(first=lambda: self._by_name.get(str(username)))


class EdxPlatform:
    """Replaces edx-platform's functions, with users and courses from ``identities.json``."""

    def __init__(self, identities: dict[str, Any]) -> None:
        self._users = Users(identities["users"])
        self._courses = {course["id"]: course for course in identities["courses"]}
        self._salts = identities["retired_user_salts"]

    def helpers(self) -> dict[str, Any]:
        """Return the replacements for names in ``event_routing_backends.helpers``."""
        return {
            "User": self._users,
            "ExternalId": SimpleNamespace(add_new_user_id=self._external_id),
            "ExternalIdType": SimpleNamespace(XAPI="xapi", CALIPER="caliper", LTI="lti"),
            "get_course_overviews": self._course_overviews,
            "get_potentially_retired_user_by_username": self._retired_user,
        }

    def _external_id(self, user: SimpleNamespace, type_name: str) -> tuple[SimpleNamespace | None, bool]:
        found = user.external_ids.get(type_name)
        return (SimpleNamespace(external_user_id=found) if found else None), False

    def _course_overviews(self, keys: list[Any]) -> list[dict[str, Any]]:
        return [self._courses[str(key)] for key in keys if str(key) in self._courses]

    def _retired_user(self, username: str) -> SimpleNamespace:
        from user_util import user_util

        names = user_util.get_all_retired_usernames(username, self._salts, "retired__user_{}")
        for name in [username, *names]:
            if user := self._users.filter(username=name).first():
                return user
        raise Users.DoesNotExist


class Reference:
    """Transforms events with upstream's default processors for a transformer type (``xapi`` or ``caliper``)."""

    def __init__(self, transformer_type: str) -> None:
        import importlib

        processors = f"event_routing_backends.processors.{transformer_type}"
        importlib.import_module(f"{processors}.event_transformers")
        module = importlib.import_module(f"{processors}.transformer_processor")
        self._process = {"xapi": "XApiProcessor", "caliper": "CaliperProcessor"}[transformer_type]
        self._process = getattr(module, self._process)()
        self.names = frozenset(self._process.registry.mapping)
        self._envelope = None
        if transformer_type == "caliper":
            envelope = importlib.import_module(f"{processors}.envelope_processor")
            self._envelope = envelope.CaliperEnvelopeProcessor(sensor_id=ROOT_URL)

    def statements(self, line: str) -> list[dict[str, Any]]:
        """Return the normalised statements of one line of a log.

        Raises:
            Exception: any exception of upstream's transformers.
        """
        from event_routing_backends.management.commands.helpers.event_log_parser import (
            parse_json_event,
        )

        statements = self._process([parse_json_event(line)])
        if self._envelope:
            statements = self._envelope(statements)
        return [normalised(statement) for statement in statements]


def normalised(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with fixed values for what differs in each run (Caliper's id and sendTime) or version."""
    text = re.sub(r"event-routing-backends@[0-9A-Za-z.+-]+", "event-routing-backends@", json.dumps(statement))
    statement = json.loads(text)
    if "sendTime" in statement:
        statement["sendTime"] = NO_TIME
        statement["data"][0]["id"] = NO_ID
    return statement


@contextmanager
def replaced_helpers(identities: dict[str, Any]) -> Iterator[None]:
    """Let upstream's helpers use these identities instead of an LMS's, inside the context."""
    from event_routing_backends import helpers

    functions = (helpers.get_anonymous_user_id, helpers.get_course_from_id)
    cached = [function for function in functions if hasattr(function, "cache_clear")]  # not before 9.3.2
    with patch.multiple(helpers, **EdxPlatform(identities).helpers()):
        for function in cached:
            function.cache_clear()
        yield
    for function in cached:
        function.cache_clear()


def results(reference: Reference, log: bytes) -> Iterator[dict[str, Any]]:
    """Yield the result for each line with an event in the registry."""
    for number, line in enumerate(log.split(b"\n"), start=1):
        text = line.decode("utf-8", errors="replace")
        try:
            name = json.loads(text[text.index("{") :])["name"]
        except (ValueError, KeyError, TypeError):
            continue
        if not isinstance(name, str) or name not in reference.names:
            continue
        try:
            yield {"line": number, "name": name, "statements": reference.statements(text)}
        except Exception as error:  # noqa: BLE001 - any exception is the event's result
            yield {"line": number, "name": name, "statements": [], "raises": type(error).__name__}


def main(transformer_type: str, log: str, identities: str = str(IDENTITIES)) -> None:
    logging.disable()
    set_up_django()
    with replaced_helpers(json.loads(Path(identities).read_text(encoding="utf-8"))):
        for result in results(Reference(transformer_type), Path(log).read_bytes()):
            sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
