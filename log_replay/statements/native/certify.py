"""``python -m log_replay.statements.native.certify``: certify the installed event-routing-backends.

Run it after the parity suite (``make certify`` does both). It rewrites ``certified.json`` beside this module. The
certificates of other releases are kept.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import django

from log_replay.statements.native.certification import CERTIFIED, RELEASES, Certificate, Certification, name_of
from log_replay.statements.native.upstream_code import installed_upstream_code


def main() -> int:
    """Certify every event that has a native transform, and print their number."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "log_replay.standalone.settings")
    django.setup()

    import event_routing_backends  # noqa: PLC0415 - it needs Django to be set up

    from log_replay.statements.native.transforms import TRANSFORMS  # noqa: PLC0415 - likewise

    path = Path(__file__).with_name(CERTIFIED)
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    version = event_routing_backends.__version__
    other_releases = {digest: other for digest, other in content.get(RELEASES, {}).items() if other != version}
    content[RELEASES] = {**other_releases, installed_upstream_code().digest: version}
    for transformer_type, transforms in TRANSFORMS.items():
        before = content.get(transformer_type, {})
        content[transformer_type] = certificates(Certification(transformer_type), sorted(transforms), before, version)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    counts = ", ".join(f"{len(transforms)} {transformer_type}" for transformer_type, transforms in TRANSFORMS.items())
    sys.stdout.write(f"event-routing-backends {version}: certified {counts} events\n")
    return 0


def certificates(
    certification: Certification, names: list[str], before: dict[str, Certificate], version: str
) -> dict[str, Certificate]:
    """Return the certificates by fingerprint: those of other releases, and those of this release for the events."""
    after: dict[str, Certificate] = {}
    for fingerprint, certificate in before.items():
        if releases := [release for release in certificate["releases"] if release != version]:
            after[fingerprint] = {**certificate, "releases": releases}
    for name in names:
        transformer = name_of(certification.registry[name])
        empty: Certificate = {"transformer": transformer, "events": [], "releases": []}
        certificate = after.setdefault(certification.fingerprint(name), empty)
        certificate["events"] = sorted({*certificate["events"], name})
        certificate["releases"] = sorted({*certificate["releases"], version})
    return after


if __name__ == "__main__":
    sys.exit(main())
