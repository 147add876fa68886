"""``python -m log_replay.statements.native.certify``: certify the installed upstream, once the parity suite passed.

Rewrites ``certified.json`` beside this module: what was certified of other versions of upstream stays.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django

from log_replay.statements.native.certification import CERTIFIED, RELEASES, Certification, reference_of
from log_replay.statements.native.upstream_code import installed_sources

Certificates = dict[str, dict[str, list[str]]]


def main() -> int:
    """Certify every event that has a native function, and print how many that are."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "log_replay.standalone.settings")
    django.setup()

    import event_routing_backends  # noqa: PLC0415 - it needs Django to be set up

    from log_replay.statements.native.transforms import TRANSFORMS  # noqa: PLC0415 - likewise

    path = Path(__file__).with_name(CERTIFIED)
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    version = event_routing_backends.__version__
    certifications = {kind: Certification(kind) for kind in TRANSFORMS}
    after = {
        kind: certificates(certification, sorted(TRANSFORMS[kind]), before.get(kind, {}), version)
        for kind, certification in certifications.items()
    }
    others = {digest: other for digest, other in before.get(RELEASES, {}).items() if other["version"] != version}
    release = {kind: fingerprints(certification) for kind, certification in certifications.items()}
    releases = {**others, installed_sources().digest: {"version": version, **release}}
    text = json.dumps({**after, RELEASES: releases}, indent=2, sort_keys=True)
    path.write_text(f"{text}\n", encoding="utf-8")
    counts = ", ".join(f"{len(names)} {kind}" for kind, names in after.items())
    sys.stdout.write(f"event-routing-backends {version}: certified {counts} events\n")
    return 0


def fingerprints(certification: Certification) -> dict[str, str]:
    """Return the fingerprints of upstream's transformers by where they are defined."""
    return {
        ":".join(reference_of(transformer)): certification.fingerprint(name)
        for name, transformer in certification.registry.items()
    }


def certificates(certification: Certification, names: list[str], before: Certificates, version: str) -> Certificates:
    """Return the certificates of the events by name: the fingerprints and the versions of upstream that have them."""
    after: Certificates = {}
    for name in names:
        versions = {fingerprint: set(others) - {version} for fingerprint, others in before.get(name, {}).items()}
        versions.setdefault(certification.fingerprint(name), set()).add(version)
        after[name] = {fingerprint: sorted(others) for fingerprint, others in versions.items() if others}
    return after


if __name__ == "__main__":
    sys.exit(main())
