"""The reference page: options, environment, reasons and exit codes, as the code has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from log_replay.dump.dump_options import DUMP_OPTIONS
from log_replay.explain.explain_options import EXPLAIN_OPTIONS, EXPLANATION
from log_replay.gaps.gap_options import COMPARISON, GAP_OPTIONS
from log_replay.management.exit_codes import EXIT_CODES
from log_replay.options import OPTIONS
from log_replay.options.urls import SCHEMES
from log_replay.report.reasons import REFUSED, REJECTED, UNPARSABLE
from log_replay.standalone.environment import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from log_replay.options.option import Option
    from log_replay.report.reasons import Reason

PAGE = Path(__file__).parent / "reference.md"

_HEAD = """\
# Reference

This page is generated from the code: `make reference` writes it, and a test fails if it is out of date.

## Options of `transform_tracking_logs`

`replay_tracking_logs` is the same command, and so is `log-replay replay` outside an LMS, for which `--transformer_type`
is `xapi` and `--to` is `stdout` if they are not given. Each option can be spelled with dashes instead of underscores.
JSON options also take `@FILE`, and `${NAME}` in a value is read from the environment.
"""

_PLACES = """
## Sources and destinations

A SOURCE is a file, a folder (with everything below it), a pattern in quotes (`'logs/**/*.gz'`), a URL, or `-` for
standard input. Several SOURCEs can be given, and patterns work in URLs, too. An object has the name that one would type
to replay it alone, such as `logs/tracking.log` or `s3://bucket/2026/tracking.log`, whatever else is replayed with it.
`--to` takes a folder, a URL, or one of the words `stdout`, `clickhouse` (the embedded ClickHouse) and `lrs` (the LRSs
of `RouterConfiguration`); a folder of such a name is written `./stdout`.

A URL never contains a password or a key: these are read from the environment, or from the file of `--source_config
@FILE` or `--destination_config @FILE`. Other settings can follow the URL: `s3://bucket/logs?region=eu-west-1`,
`minio://host:9000/bucket?secure=no`, `clickhouse://host/db?table=events`. For ClickHouse, port 8123 means HTTP, and any
other port HTTPS.

| URL | for | environment variables |
|---|---|---|
%s
"""

_IDENTITY = """
A run can be resumed only with the same source and destination and the same values of %s.

The names of output files do not change as long as the source and these options are the same: %s.
"""

_GAPS = """
## Options of `replay_gaps`

%s have the same meaning as above. Its own options are:
"""

_EXPLAIN = """
## Options of `explain_tracking_log`

The lines to explain come first: `OBJECT:OFFSET`, or `-` for standard input. %s have the same meaning as above;
`--transformer_type` is `xapi` by default. Its own options are:
"""


def reference() -> str:
    """Return the text of the page."""
    shared = [name for name, row in GAP_OPTIONS.items() if row.group != COMPARISON]
    own = {name: row for name, row in GAP_OPTIONS.items() if row.group == COMPARISON}
    identity = [name for name, row in OPTIONS.items() if row.identity]
    named = [name for name, row in OPTIONS.items() if row.output_key]
    return "\n".join(
        [
            _HEAD,
            *_options(OPTIONS),
            _PLACES % "\n".join(_schemes()),
            _IDENTITY % (_listed(identity), _listed(named)),
            _GAPS % _listed(shared),
            *_table(own),
            _EXPLAIN % _listed(name for name, row in EXPLAIN_OPTIONS.items() if row.group != EXPLANATION),
            *_table({name: row for name, row in EXPLAIN_OPTIONS.items() if row.group == EXPLANATION}),
            "\n## Options of `dump_data_to_clickhouse`\n",
            "`dump_lms_to_clickhouse` is the same command.\n",
            *_options(DUMP_OPTIONS),
            "\n## Environment\n",
            "These settings are for `log-replay`; inside an LMS, the LMS's own settings apply.\n",
            *_environment(),
            "\n## Reasons\n",
            "`--rejects` and the summary give one of these reasons. A line is *unparsable* if it is not an event:\n",
            *_reasons(UNPARSABLE),
            "\nAn event is *rejected* if it should have given a statement and did not. A name like `ValueError` is the",
            "exception that event-routing-backends raises for the event. The other reasons are:\n",
            *_reasons(REJECTED),
            "\nA destination *refuses* a statement, which then counts as failed:\n",
            *_reasons(REFUSED),
            "\n## Exit codes\n",
            "| code | meaning |\n|---|---|",
            *(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()),
            "",
        ]
    )


def _schemes() -> Iterable[str]:
    for row in SCHEMES.values():
        names = "; ".join(
            f"{name}: {' or '.join(f'`{each}`' for each in found)}" for name, found in row.variables.items()
        )
        yield f"| `{row.form}` | {' and '.join(row.sides)} | {names} |"


def _options(options: Mapping[str, Option]) -> Iterable[str]:
    for group in dict.fromkeys(row.group for row in options.values()):
        yield f"### {group}\n"
        yield from _table({name: row for name, row in options.items() if row.group == group})
        yield ""


def _table(options: Mapping[str, Option]) -> Iterable[str]:
    yield "| option | default | meaning |\n|---|---|---|"
    for name, row in options.items():
        spelled = f"`{row.metavar} ...`" if row.positional else f"`--{name}`{_value(row)}"
        yield f"| {spelled} | {_default(row)} | {_text(row.help)} |"


def _value(row: Option) -> str:
    if row.flag:
        return ""
    value = "\\|".join(row.choices) if row.choices else (row.metavar or "VALUE").replace("|", "\\|")
    return f" `{value} ...`" if row.nargs else f" `{value}`"


def _default(row: Option) -> str:
    if row.required:
        return "required"
    return "" if row.default in (None, [], "{}", 0.0) else f"`{row.default}`"


def _text(text: str) -> str:
    # Everything that is written like an option or a placeholder is code.
    return re.sub(r"(--\w[\w-]*|\$\{NAME\}|@FILE|\{\"event_id\".*?\})", r"`\1`", text).replace("|", "\\|")


def _listed(names: Iterable[str]) -> str:
    return ", ".join("SOURCE" if name in OPTIONS and OPTIONS[name].positional else f"`--{name}`" for name in names)


def _environment() -> Iterable[str]:
    yield "| variable | default | meaning |\n|---|---|---|"
    for name, variable in VARIABLES.items():
        default = f"`{variable.default}`" if variable.default else ""
        yield f"| `{name}` | {default} | {variable.meaning} |"


def _reasons(reasons: Iterable[Reason]) -> Iterable[str]:
    yield "| reason | meaning |\n|---|---|"
    for reason in reasons:
        yield f"| {', '.join(f'`{name}`' for name in reason.names)} | {reason.meaning} |"
