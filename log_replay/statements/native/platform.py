"""What of the platform's settings goes into statements."""

from __future__ import annotations

from dataclasses import dataclass

import event_routing_backends
from django.conf import settings


@dataclass(frozen=True, slots=True, eq=False)
class Platform:
    """The platform whose events are replayed.

    There is one of them for a run. What is kept of it is kept by its identity, for it takes longer to compare.

    Args:
        root_url: what the ids of its courses, blocks and users begin with.
        transformer_version: event-routing-backends, as statements name it.
        agent_identifier: ``external_id``, ``mbox`` or ``mbox_sha1sum``: what identifies xAPI's actors.
        sensor_id: who sends Caliper's envelopes.
    """

    root_url: str
    transformer_version: str
    agent_identifier: str = "external_id"
    sensor_id: str = ""

    def iri(self, kind: str, key: object) -> str:
        """Return the IRI of the course, block or user with this key."""
        return f"{self.root_url}/{kind}/{key}"


def configured_platform(sensor_id: str | None = None) -> Platform:
    """Return the platform that the settings describe."""
    # Where upstream says so, for its own tests, statements name a version of it that does not change.
    version = "1.1.1" if getattr(settings, "RUNNING_WITH_TEST_SETTINGS", False) else event_routing_backends.__version__
    return Platform(
        root_url=settings.LMS_ROOT_URL,
        transformer_version=f"event-routing-backends@{version}",
        agent_identifier=getattr(settings, "XAPI_AGENT_IFI_TYPE", "external_id"),
        sensor_id=settings.LMS_ROOT_URL if sensor_id is None else sensor_id,
    )
