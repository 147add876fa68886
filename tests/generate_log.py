"""Generate tracking logs of any size and with any share of known events, from a seed; and the shipped sample log.

    python -m tests.generate_log --lines 200000 --known 0.6 --users 5000 --identities identities.json > tracking.log
    python -m tests.generate_log --bytes 1GB --known 0.02 > large.log
    python -m tests.generate_log --lines 200000 --mix site --identities identities.json > site.log
    python -m tests.generate_log --lines 100 --long-line 200MB > one-long-line.log
    python -m tests.generate_log --bytes 5GB --planted logs --manifest manifest.json --identities identities.json
    python -m tests.generate_log --sample > log_replay/standalone/sample/tracking.log
    python -m tests.generate_log --sample-identities > log_replay/standalone/sample/identities.json

The same arguments give the same bytes. The users are ``user_1`` to ``user_N``, with ids from 1 to N. All times differ.
A mix has the events, users and courses of a real site's log, in the site's proportions; ``--known`` does not change it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import sys
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tests.support.log_templates import known_templates, other_templates
from tests.support.sample_identities import SALT
from tests.support.site_log import site_courses, site_lines, site_user
from tests.support.site_mixes import MIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 3, 1, tzinfo=UTC)
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
CHUNK_BYTES = 1_000_000
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://example.com/log-replay/generated")
#: The digits of the golden ratio. User ids multiplied by it look as random as session ids.
SESSION_FACTOR = 0x9E3779B97F4A7C15F39CC0605CEDC835
#: The number of lines before a long line.
LINES_BEFORE = 10


def lines(
    *,
    count: int | None = None,
    total_bytes: int | None = None,
    known: float = 0.6,
    users: int = 5000,
    courses: int = 20,
    seed: int = 1,
    mix: str | None = None,
) -> Iterator[bytes]:
    r"""Yield the lines of a log, with their ``\n``: ``count`` lines, or lines of at least ``total_bytes``."""
    stream = site_lines(mix, users, names(courses), seed) if mix else endless(known, users, courses, seed)
    if total_bytes is None:
        yield from itertools.islice(stream, count)
        return
    for line in stream:
        if total_bytes <= 0:
            return
        total_bytes -= len(line)
        yield line


def endless(known: float, users: int, courses: int, seed: int) -> Iterator[bytes]:
    tables = other_templates(), known_templates()
    sizes = tuple(len(table) for table in tables)
    course_names = names(courses)
    known_below = round(known * 2**24)
    bits = random.Random(seed).getrandbits
    microseconds, last_second, second_text = 0, -1, b""
    while True:
        # Draw once for all random values of a line: random numbers take most of the time.
        drawn = bits(112)
        microseconds += 1 + (drawn & 0xFFFF)
        second, fraction = divmod(microseconds, 1_000_000)
        if second != last_second:
            last_second, second_text = second, (START + timedelta(seconds=second)).isoformat()[:19].encode()
        is_known = (drawn >> 16 & 0xFFFFFF) < known_below
        text, pick = tables[is_known][(drawn >> 40 & 0xFFFFFF) % sizes[is_known]]
        user = 1 + (drawn >> 64 & 0xFFFFFF) % users
        org, course = course_names[(drawn >> 88) % courses]
        user_id = b"%d" % user
        time = b"%b.%06d+00:00" % (second_text, fraction)
        session = b"%032x" % (user * SESSION_FACTOR % 2**128)
        yield text % pick((user_id, b"user_" + user_id, org, course, time, session))


def course_name(number: int) -> tuple[bytes, bytes]:
    return b"Org%d" % (number % 5), b"C%03d" % number


def names(courses: int) -> list[tuple[bytes, bytes]]:
    return [course_name(number) for number in range(courses)]


def long_line(size_bytes: int) -> Iterator[bytes]:
    """Yield one line of this size in chunks: a known event with very long data."""
    head = b'{"name": "problem_check", "context": {"course_id": "course-v1:Org0+C000+2026", "user_id": 1}, "event": "'
    tail = b'", "time": "2026-03-01T00:00:00.000000+00:00", "event_source": "browser"}\n'
    yield head
    left = size_bytes - len(head) - len(tail)
    while left > 0:
        yield b"x" * min(left, CHUNK_BYTES)
        left -= CHUNK_BYTES
    yield tail


def users_of(count: int, mix: str | None = None) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        ids = {kind: str(uuid.uuid5(NAMESPACE, f"{kind}/{number}")) for kind in ("xapi", "caliper")}
        name = f"user_{number}"
        user = {"id": number, "username": name, "email": f"{name}@example.com", "external_ids": ids}
        yield site_user(user) if mix else user


def courses_of(count: int, mix: str | None = None) -> list[dict[str, str]]:
    if mix:
        return site_courses(names(count))
    return [
        {"id": f"course-v1:{org.decode()}+{course.decode()}+2026", "display_name": f"Course {number}"}
        for number, (org, course) in enumerate(names(count))
    ]


def identities(users: int = 5000, courses: int = 20, mix: str | None = None) -> dict[str, Any]:
    """Return the users and courses of a generated log, in the format of ``identities.json``."""
    salts = [SALT] if mix else []
    return {
        "users": list(users_of(users, mix)),
        "courses": courses_of(courses, mix),
        "retired_user_salts": salts,
    }


def write_identities(path: Path, users: int, courses: int, mix: str | None = None) -> None:
    """Write the result of ``identities`` to a file, one user at a time."""
    rest = identities(0, courses, mix)
    with path.open("w", encoding="utf-8") as out:
        out.write('{"users": [\n')
        for index, user in enumerate(users_of(users, mix)):
            out.write((",\n" if index else "") + json.dumps(user))
        salts = json.dumps(rest["retired_user_salts"])
        out.write(f'\n], "courses": {json.dumps(rest["courses"])}, "retired_user_salts": {salts}}}\n')


def size(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?I?B?)", text.upper())
    if not match or match[2] not in UNITS:
        raise argparse.ArgumentTypeError(f"not a size: {text!r} (try 500MB)")
    return round(float(match[1]) * UNITS[match[2]])


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--lines", type=int, dest="count")
    what.add_argument("--bytes", type=size, dest="total_bytes", help="such as 500MB or 1GB")
    what.add_argument("--sample", action="store_true", help="the shipped sample log")
    what.add_argument("--sample-identities", action="store_true", help="the shipped sample's identities.json")
    parser.add_argument("--known", type=float, default=0.6, help="share of known events, 0 to 1 (default 0.6)")
    parser.add_argument("--mix", choices=list(MIXES), help="a log like a real site's")
    parser.add_argument("--users", type=int, default=5000)
    parser.add_argument("--courses", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--identities", type=Path, help="also write the users and courses to this file")
    parser.add_argument("--planted", type=Path, help="write a folder of logs with planted facts: see planted_log.py")
    parser.add_argument("--manifest", type=Path, help="write the planted facts to this file")
    parser.add_argument("--period", choices=["day", "hour"], default="day", help="the time of one planted file")
    parser.add_argument("--long-line", type=size, help="one line of this size after the first ten")
    return parser.parse_args(argv)


def write_sample(out: BinaryIO, *, of_identities: bool) -> None:
    from tests.support.sample_identities import sample_identities
    from tests.support.sample_log import sample_lines

    if of_identities:
        out.write(json.dumps(sample_identities(), indent=2, ensure_ascii=False).encode() + b"\n")
    else:
        out.writelines(sample_lines())


def write_log(out: BinaryIO, options: argparse.Namespace) -> None:
    log = lines(
        count=options.count,
        total_bytes=options.total_bytes,
        known=options.known,
        users=options.users,
        courses=options.courses,
        seed=options.seed,
        mix=options.mix,
    )
    if options.long_line:
        out.writelines(itertools.islice(log, LINES_BEFORE))
        out.writelines(long_line(options.long_line))
    out.writelines(log)


def write_planted(options: argparse.Namespace) -> None:
    from tests.support.planted_log import Planted

    manifest = Planted(
        options.planted,
        options.total_bytes,
        seed=options.seed,
        period=options.period,
        users=options.users,
        courses=names(options.courses),
    ).write()
    if options.manifest:
        options.manifest.write_text(manifest.to_json())


def main() -> None:
    options = arguments()
    if options.identities:
        write_identities(options.identities, options.users, options.courses, options.mix)
    if options.planted:
        write_planted(options)
        return
    # A reader such as head may close the pipe.
    with suppress(BrokenPipeError), open(sys.stdout.fileno(), "wb", buffering=CHUNK_BYTES, closefd=False) as out:
        if options.sample or options.sample_identities:
            write_sample(out, of_identities=options.sample_identities)
        else:
            write_log(out, options)


if __name__ == "__main__":
    main()
