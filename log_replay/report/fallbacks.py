"""Say in words why events were not transformed natively, and what an operator can do about it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from log_replay.statements.native.certification import certified_releases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.report import Report

UPSTREAM = "edx-event-routing-backends"
#: How many times as long a run takes if upstream's code transforms every event: 308 us a line instead of 19.
TIMES_AS_LONG = 16
#: The share of the known events from which on the extra time is worth a remark.
LARGE_SHARE = 0.01
REASONS = {
    "requested": "--transformers upstream asks for it",
    "processors": "EVENT_TRACKING_BACKENDS configures processors that are not event-routing-backends' own",
    "third_party": "another package replaces code of event-routing-backends for them",
    "filter": "OPEN_EDX_FILTERS_CONFIG has a filter that may change their statements",
    "uncertified": "Log Replay has no code for them",
    "unsupported_shape": "Log Replay does not support their shape; please report the shapes below",
}


def fallback_remarks(report: Report) -> Iterator[str]:
    """Yield a remark for each reason for a fallback."""
    total = report.transform_paths.total()
    for path, count in report.transform_paths.items():
        if path != "native":
            events = "1 event" if count == 1 else f"{count:,} events"
            yield f"{events} used event-routing-backends' own, slower code ({path}): {fallback_reason(path)}"
            if count >= LARGE_SHARE * total:
                share = count / total
                times = 1 + share * (TIMES_AS_LONG - 1)
                yield f"These are {share:.0%} of the known events, so the run took about {times:.1f} times as long."


def fallback_reason(path: str) -> str:
    """Return in words why a transform path is not ``native``."""
    if path != "fingerprint":
        return REASONS.get(path, path)
    installed = version(UPSTREAM)
    releases = certified_releases()
    if installed in releases:
        return f"the installed release {installed} is not the published one; {_install(installed)} --force-reinstall"
    return f"release {installed} is not certified; {_install(_nearest(installed, releases))}, or report the release"


def _install(release: str) -> str:
    return f"try: pip install {UPSTREAM}=={release}"


def _nearest(installed: str, releases: list[str]) -> str:
    """Return the newest certified release with the same major version, if there is one."""
    same = [release for release in releases if release.split(".")[0] == installed.split(".", maxsplit=1)[0]]
    return (same or releases)[-1]
