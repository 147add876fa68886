"""Makes the golden statements: for every form of every known event, what upstream makes of it on the sample directory.

    python -m tests.golden.regenerate            # rewrite tests/golden/{xapi,caliper}/*.json
    python -m tests.golden.regenerate --check    # compare, name the files that differ, exit 1 if any does

Each file holds ``{"event": the raw event, "statements": [...]}``, and ``"raises"``, the exception's type, where
upstream makes no statement of that form. The statements are upstream's own, by its processors. The LMS is at
http://localhost:18000; Caliper's random id and sendTime are fixed; the version of event-routing-backends is cut off.
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
    # The number comes of the key, so that a new form leaves the other files as they are.
    event = raw_event(FORMS[key], Scene(number=zlib.crc32(key.encode()) % 1000))
    try:
        return {"event": event, "statements": reference.statements(json.dumps(event))}
    except Exception as error:  # noqa: BLE001 - that upstream raises is what the file records
        return {"event": event, "statements": [], "raises": type(error).__name__}


def golden_files() -> Iterator[tuple[Path, str]]:
    """Yield each file's path and the text that it should have."""
    with replaced_helpers(sample_identities()):
        for kind in ("xapi", "caliper"):
            reference = Reference(kind)
            for key, form in FORMS.items():
                if form.name in reference.names:
                    text = json.dumps(golden(reference, key), indent=2, ensure_ascii=False)
                    yield GOLDEN / kind / f"{key}.json", text + "\n"


def main(*, check: bool) -> int:
    logging.disable()
    set_up_django()
    wanted = dict(golden_files())
    there = {path: path.read_text(encoding="utf-8") for path in GOLDEN.glob("*/*.json")}
    different = sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))
    for path in different:
        sys.stdout.write(f"{path.relative_to(GOLDEN)}\n")
        if not check:
            write(path, wanted.get(path))
    return 1 if check and different else 0


def write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
