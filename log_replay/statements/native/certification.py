"""Whether an event's native function may take upstream's place in this installation.

It may while upstream's own code for that event is, to the character, the code that it was checked against
(``certified.json``, which ``make certify`` writes once the parity suite passed), and nobody changed what upstream does.
"""

from __future__ import annotations

import json
from functools import cached_property
from importlib import import_module, resources
from inspect import isfunction
from typing import Any

from django.conf import settings

from log_replay.statements.native.upstream_code import Reference, Sources, installed_sources

CERTIFIED = "certified.json"
#: Where it has the fingerprints of whole releases of upstream, by the digests of their sources.
RELEASES = "releases"
UPSTREAM = "event_routing_backends."
REGISTRIES = {"xapi": "XApiTransformersRegistry", "caliper": "CaliperTransformersRegistry"}
#: What upstream makes of what the transformers return.
AROUND = {
    "xapi": (),
    "caliper": (Reference(f"{UPSTREAM}processors.caliper.envelope_processor", "CaliperEnvelopeProcessor"),),
}


class Certification:
    """What is certified of one kind of statements.

    Args:
        kind: ``xapi`` or ``caliper``.
        sources: upstream's code.
    """

    def __init__(self, kind: str, sources: Sources | None = None) -> None:
        self._kind = kind
        self._sources = sources or installed_sources()

    def fallback_reason(self, name: str) -> str:
        """Return why events of this name must go through upstream; nothing if they need not.

        ``third_party``: somebody registered another transformer, or changed upstream's while the process runs.
        ``filter``: an openedx-filter is configured for one of its methods.
        ``uncertified``: it was never checked. ``fingerprint``: its code is not what was checked.
        """
        transformer = self.registry.get(name)
        if transformer is None or not _is_upstreams(transformer):
            return "third_party"
        if _filters(transformer) & configured_filters():
            return "filter"
        certified = self._certificates.get(name)
        if not certified:
            return "uncertified"
        fingerprint = self._recorded.get(reference_of(transformer)) or self.fingerprint(name)
        return "" if fingerprint in certified else "fingerprint"

    def fingerprint(self, name: str) -> str:
        """Return the fingerprint of upstream's code for events of this name; nothing where its source is missing."""
        return self._sources.fingerprint(reference_of(self.registry[name]), *AROUND[self._kind])

    @cached_property
    def registry(self) -> dict[str, type]:
        """Upstream's transformers by event name."""
        processors = f"{UPSTREAM}processors.{self._kind}"
        import_module(f"{processors}.event_transformers")  # registers them
        mapping: dict[str, type] = getattr(import_module(f"{processors}.registry"), REGISTRIES[self._kind]).mapping
        return mapping

    @cached_property
    def _certificates(self) -> dict[str, dict[str, list[str]]]:
        certificates: dict[str, Any] = certified()[self._kind]
        return certificates

    @cached_property
    def _recorded(self) -> dict[Reference, str]:
        """The fingerprints of upstream's transformers, if its files are all those of a certified release.

        Nothing else comes of taking them, which takes a tenth of a second.
        """
        release: dict[str, Any] = certified()[RELEASES].get(self._sources.digest, {})
        recorded: dict[str, str] = release.get(self._kind, {})
        return {Reference(*spelled.split(":")): fingerprint for spelled, fingerprint in recorded.items()}


def reference_of(transformer: type) -> Reference:
    """Return where a transformer is defined."""
    return Reference(transformer.__module__, transformer.__qualname__)


def certified() -> dict[str, Any]:
    """Return what is certified: by kind and event name, the fingerprints and the upstream versions that have them."""
    text = resources.files(__package__).joinpath(CERTIFIED).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def configured_filters() -> set[str]:
    """Return the types of the filters that the operator configured."""
    configured = getattr(settings, "OPEN_EDX_FILTERS_CONFIG", None) or {}
    return {filter_type for filter_type, steps in configured.items() if steps}


def _is_upstreams(transformer: type) -> bool:
    """Return whether a class and its bases are upstream's, and their methods still the ones in its source."""
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
    """Return the types of the filters that can change what a transformer's methods return."""
    return {
        found
        for ancestor in transformer.__mro__
        for member in vars(ancestor).values()
        if isfunction(member) and (found := _filter_type(member))
    }


def _filter_type(method: Any) -> str | None:
    free = dict(zip(method.__code__.co_freevars, method.__closure__ or (), strict=False))
    cell = free.get("filter_type")
    return cell.cell_contents if cell else None
