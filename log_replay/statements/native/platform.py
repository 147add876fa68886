"""The platform's settings that are part of statements."""

from __future__ import annotations

from dataclasses import dataclass

import event_routing_backends
from django.conf import settings


@dataclass(frozen=True, slots=True, eq=False)
class Platform:
    """The platform whose events are replayed.

    A run has one instance. Caches use its identity as a key, since a comparison of its values takes longer.

    Args:
        root_url: the LMS's root URL, the beginning of the IRIs of courses, blocks and users.
        transformer_version: the version of event-routing-backends, as statements name it.
        agent_identifier: the identifier of xAPI actors: ``external_id``, ``mbox`` or ``mbox_sha1sum``.
        sensor_id: the sensor in Caliper's envelopes.
    """

    root_url: str
    transformer_version: str
    agent_identifier: str = "external_id"
    sensor_id: str = ""

    def iri(self, kind: str, key: object) -> str:
        """Return the IRI of the course, block or user with this key."""
        return f"{self.root_url}/{kind}/{key}"


def configured_platform(sensor_id: str | None = None) -> Platform:
    """Return the platform of the settings."""
    # With this setting, which upstream has for its own tests, upstream writes a fixed version.
    version = "1.1.1" if getattr(settings, "RUNNING_WITH_TEST_SETTINGS", False) else event_routing_backends.__version__
    return Platform(
        root_url=settings.LMS_ROOT_URL,
        transformer_version=f"event-routing-backends@{version}",
        agent_identifier=getattr(settings, "XAPI_AGENT_IFI_TYPE", "external_id"),
        sensor_id=settings.LMS_ROOT_URL if sensor_id is None else sensor_id,
    )
