"""Decide for which events the native code may replace the installed event-routing-backends (ERB).

It may if ERB's own code for the event is exactly the code that the parity suite was run with (``certified.json``, which
``make certify`` writes), and if neither a third party nor an openedx-filter changes ERB's statements.
"""

from __future__ import annotations

import json
from functools import cached_property
from importlib import import_module, resources
from inspect import isfunction
from typing import Any, TypedDict

from django.conf import settings

from log_replay.statements.native.upstream_code import Reference, UpstreamCode, installed_upstream_code

CERTIFIED = "certified.json"
#: The key in ``certified.json`` of the certified releases of ERB: their versions by the digest of their code.
RELEASES = "releases"
UPSTREAM = "event_routing_backends."
REGISTRIES = {"xapi": "XApiTransformersRegistry", "caliper": "CaliperTransformersRegistry"}
#: ERB's code that processes the statements of all transformers, by transformer type.
PROCESSORS = {
    "xapi": (),
    "caliper": (Reference(f"{UPSTREAM}processors.caliper.envelope_processor", "CaliperEnvelopeProcessor"),),
}


class Certificate(TypedDict):
    """A certified version of one of ERB's transformers.

    ``transformer`` is its module and class, with a colon between them; ``releases`` are the versions of ERB that have
    this code. The native code may replace it for ``events``.
    """

    transformer: str
    events: list[str]
    releases: list[str]


class Certification:
    """The certified events of one transformer type.

    Args:
        transformer_type: ``xapi`` or ``caliper``.
        code: ERB's code; that of the installed ERB by default.
    """

    def __init__(self, transformer_type: str, code: UpstreamCode | None = None) -> None:
        self._type = transformer_type
        self._code = code or installed_upstream_code()

    def fallback_reason(self, name: str) -> str:
        """Return why upstream's code must transform the events with this name, or an empty string if it need not.

        ``third_party``: a third party registered another transformer, or changed upstream's in this process.
        ``filter``: an openedx-filter is configured for one of its methods.
        ``uncertified``: the event was never certified.
        ``fingerprint``: upstream's code for the event is not the certified code.
        """
        transformer = self.registry.get(name)
        if transformer is None or not _is_upstreams(transformer):
            return "third_party"
        if _filters(transformer) & configured_filters():
            return "filter"
        fingerprints = {found for found, certificate in self.certificates.items() if name in certificate["events"]}
        if not fingerprints:
            return "uncertified"
        fingerprint = self._recorded_fingerprints.get(name_of(transformer)) or self.fingerprint(name)
        return "" if fingerprint in fingerprints else "fingerprint"

    def fingerprint(self, name: str) -> str:
        """Return the fingerprint of upstream's code for events with this name; empty if its source is missing."""
        return self._code.fingerprint(_reference(self.registry[name]), *PROCESSORS[self._type])

    @cached_property
    def registry(self) -> dict[str, type]:
        """Upstream's transformers by event name."""
        processors = f"{UPSTREAM}processors.{self._type}"
        import_module(f"{processors}.event_transformers")  # registers the transformers
        mapping: dict[str, type] = getattr(import_module(f"{processors}.registry"), REGISTRIES[self._type]).mapping
        return mapping

    @cached_property
    def certificates(self) -> dict[str, Certificate]:
        """The certificates by fingerprint."""
        certificates: dict[str, Certificate] = certified()[self._type]
        return certificates

    @cached_property
    def _recorded_fingerprints(self) -> dict[str, str]:
        """The fingerprints of upstream's transformers by name, if all of upstream's files are a certified release.

        To compute them would give the same, but takes a tenth of a second.
        """
        release = certified()[RELEASES].get(self._code.digest)
        return {
            certificate["transformer"]: fingerprint
            for fingerprint, certificate in self.certificates.items()
            if release in certificate["releases"]
        }


def name_of(transformer: type) -> str:
    """Return the name of a transformer in certificates."""
    return ":".join(_reference(transformer))


def certified() -> dict[str, Any]:
    """Return the content of ``certified.json``: certificates by transformer type and fingerprint, and the releases."""
    text = resources.files(__package__).joinpath(CERTIFIED).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def certified_releases() -> list[str]:
    """Return the certified releases of ERB, the oldest first."""
    return sorted(certified()[RELEASES].values(), key=lambda release: [*map(int, release.split("."))])


def configured_filters() -> set[str]:
    """Return the types of the openedx-filters that the operator configured."""
    configured = getattr(settings, "OPEN_EDX_FILTERS_CONFIG", None) or {}
    return {filter_type for filter_type, steps in configured.items() if steps}


def _reference(transformer: type) -> Reference:
    return Reference(transformer.__module__, transformer.__qualname__)


def _is_upstreams(transformer: type) -> bool:
    """Return True if a class and its bases are upstream's, with the methods that are in upstream's source."""
    return all(
        ancestor.__module__.startswith(UPSTREAM)
        and all(
            getattr(member, "__module__", ancestor.__module__) == ancestor.__module__
            for member in vars(ancestor).values()
            if callable(member)
        )
        for ancestor in transformer.__mro__[:-1]
    )


def _filters(transformer: type) -> set[str]:
    """Return the types of the openedx-filters that can change the results of a transformer's methods."""
    return {
        found
        for ancestor in transformer.__mro__
        for member in vars(ancestor).values()
        if isfunction(member) and (found := _filter_type(member))
    }


def _filter_type(method: Any) -> str | None:
    closure = dict(zip(method.__code__.co_freevars, method.__closure__ or (), strict=False))
    cell = closure.get("filter_type")
    return cell.cell_contents if cell else None
