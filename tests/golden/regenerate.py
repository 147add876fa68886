"""Write the golden statements: upstream's statements for all forms of all known events, with the sample's identities.

    python -m tests.golden.regenerate            # rewrite tests/golden/{xapi,caliper}/*.json
    python -m tests.golden.regenerate --check    # print the files that differ, exit with 1 if there are any

Each file has ``{"event": the raw event, "statements": [...]}``. If upstream raises an exception, ``"raises"`` has its
type. The LMS is at http://localhost:18000. Caliper's random id and sendTime are fixed. The version of
event-routing-backends is removed.
"""

from __future__ import annotations

import json
import logging
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

GOLDEN = Path(__file__).parent

from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS
from tests.support.sample_identities import sample_identities
from tests.support.upstream_reference import Reference, replaced_helpers, set_up_django

if TYPE_CHECKING:
    from collections.abc import Iterator


def golden(reference: Reference, key: str) -> dict[str, Any]:
    # The number is derived from the key, so that a new form does not change other files.
    event = raw_event(FORMS[key], Scene(number=zlib.crc32(key.encode()) % 1000))
    try:
        return {"event": event, "statements": reference.statements(json.dumps(event))}
    except Exception as error:  # noqa: BLE001 - the file records any exception
        return {"event": event, "statements": [], "raises": type(error).__name__}


def golden_files() -> Iterator[tuple[Path, str]]:
    """Yield the paths and the contents of all files."""
    with replaced_helpers(sample_identities()):
        for transformer_type in ("xapi", "caliper"):
            reference = Reference(transformer_type)
            for key, form in FORMS.items():
                if form.name in reference.names:
                    text = json.dumps(golden(reference, key), indent=2, ensure_ascii=False)
                    yield GOLDEN / transformer_type / f"{key}.json", text + "\n"


def main(*, check: bool) -> int:
    logging.disable()
    set_up_django()
    expected = dict(golden_files())
    existing = {path: path.read_text(encoding="utf-8") for path in GOLDEN.glob("*/*.json")}
    different = sorted(path for path in expected.keys() | existing.keys() if expected.get(path) != existing.get(path))
    for path in different:
        sys.stdout.write(f"{path.relative_to(GOLDEN)}\n")
        if not check:
            write(path, expected.get(path))
    return 1 if check and different else 0


def write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
