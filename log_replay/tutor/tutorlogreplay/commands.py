"""The commands of ``tutor local do``, ``tutor dev do`` and ``tutor k8s do``."""

from __future__ import annotations

import inspect
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tutorlogreplay import arguments as args
from tutorlogreplay import site_defaults
from tutorlogreplay.request import CMS, LMS, MANAGE, MODULE, OWN, SCRIPT, STATE, Request
from tutorlogreplay.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

WRONG_USAGE = 2
#: The tables whose rows the Aspects plugin's ``--deduplicate`` optimizes, after the table of statements itself.
PARSED_TABLES = (
    "enrollment_events",
    "xapi_events_all_parsed",
    "navigation_events",
    "problem_events",
    "video_playback_events",
)
#: Only Open edX's own code can read the blocks of courses.
COURSES = "course_overviews"
NO_LOGS_ON_KUBERNETES = """\
On Kubernetes, the LMS keeps no tracking logs: `tracking.log` ends with its container. They can be in
- a bucket that a log collector writes to: --source_provider S3 --source_config @FILE
- Aspects' table _tracking, if ASPECTS_VECTOR_STORE_TRACKING_LOGS is true: --source_provider CLICKHOUSE
- a volume: tutor config save --set LOG_REPLAY_K8S_LOGS_VOLUME=NAME-OF-THE-CLAIM"""


class PassingCommand(click.Command):
    """A command whose arguments are passed on as they are, except ``--help``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take all arguments."""
        if not {"--help", "-h"}.isdisjoint(args):
            click.echo(self.get_help(ctx))
            ctx.exit()
        ctx.params = {"arguments": tuple(args)}
        return []

    def get_help(self, ctx: click.Context) -> str:
        """Return the help, with the options of the command in the container."""
        text = _help_file(str(ctx.info_name)).read_text(encoding="utf-8").rstrip()
        return f"Usage: {ctx.command_path} [OPTION ...]\n\n{self.help}\n\n{text}"


def _help_file(command: str) -> Path:
    return Path(__file__).parent / "help" / f"{command}.txt"


def _arity(command: str) -> dict[str, list[str]]:
    """Return the options of a command that take no value (flags) or any number of values (lists)."""
    path = Path(__file__).parent / "help" / "options.json"
    kinds: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))[command.replace("_", "-")]
    return kinds


def _replay(arguments: tuple[str, ...], command: str) -> list[tuple[str, str]]:
    site = Site.current()
    given = args.with_files_read(arguments)
    deduplicate = "--deduplicate" in given
    given = [argument for argument in given if argument != "--deduplicate"]
    parallelism, given = _parallelism(site, given)
    given = _replay_arguments(site, command, given)
    summary = None
    if site.mode == "k8s" and not args.is_given(given, "summary"):
        summary = f"{STATE}/summary.json"
        given = args.completed(given, {"summary": summary})
    code = _run(site, command, given, parallelism, summary)
    if code == 0 and deduplicate:
        code = _deduplicate(site)
    raise click.exceptions.Exit(code)


def transform_tracking_logs(arguments: tuple[str, ...]) -> list[tuple[str, str]]:
    """Replay tracking logs. Without options: the site's logs, into Aspects.

    This takes the place of the Aspects plugin's command, and accepts all that it accepts.

    --deduplicate            Afterwards, remove repeated rows from Aspects' tables. This can take long.
    --parallelism N          Only `tutor k8s`: use N pods.
    """
    return _replay(arguments, "transform_tracking_logs")


def replay_tracking_logs(arguments: tuple[str, ...]) -> list[tuple[str, str]]:
    """Replay tracking logs. Without options: the site's logs, into Aspects.

    --deduplicate            Afterwards, remove repeated rows from Aspects' tables. This can take long.
    --parallelism N          Only `tutor k8s`: use N pods.
    """
    return _replay(arguments, "replay_tracking_logs")


def replay_gaps(arguments: tuple[str, ...]) -> list[tuple[str, str]]:
    """Compare tracking logs with Aspects' table: which statements are missing there?"""
    site = Site.current()
    given = args.completed(args.with_files_read(arguments), {"transformer_type": "xapi"})
    given = _with_source(site, "replay_gaps", given)
    if site_defaults.has_aspects(site.settings) and not args.is_given(given, "to"):
        given = args.completed(given, {"missing_from": site.table_config()})
    raise click.exceptions.Exit(_run(site, "replay_gaps", given))


def inspect_tracking_logs(arguments: tuple[str, ...]) -> list[tuple[str, str]]:
    """Report what is in the tracking logs, and what would come out of them."""
    site = Site.current()
    given = args.completed(args.with_files_read(arguments), {"transformer_type": "xapi"})
    given = _with_source(site, "inspect_tracking_logs", given)
    raise click.exceptions.Exit(_run(site, "inspect_tracking_logs", given))


def replay_runs(arguments: tuple[str, ...]) -> list[tuple[str, str]]:
    """List, show, resume or delete runs."""
    site = Site.current()
    raise click.exceptions.Exit(_run(site, "replay_runs", list(arguments)))


def dump_data_to_clickhouse(arguments: tuple[str, ...]) -> list[tuple[str, str]]:
    """Dump courses, users, external ids, enrollments or tags into Aspects' tables.

    This takes the place of the Aspects plugin's command, and accepts all that it accepts.

    --service lms|cms        The service that dumps courses (default lms).
    --options TEXT           More options in one text.
    """
    site = Site.current()
    service = args.value_of(arguments, "service") or "lms"
    if service not in {"lms", "cms"}:
        raise click.UsageError("--service must be lms or cms")
    given = args.without(arguments, "service")
    given = _with_options(args.without(arguments, "service"))
    if site.in_lms or args.value_of(given, "object") == COURSES:
        request = Request(
            CMS if service == "cms" else LMS, MANAGE, ["manage.py", service, "dump_data_to_clickhouse", *given]
        )
        raise click.exceptions.Exit(site.run(request))
    if site_defaults.has_aspects(site.settings):
        given = args.completed(given, site_defaults.event_sink(site.settings))
    raise click.exceptions.Exit(_run(site, "dump_data_to_clickhouse", given))


def _with_options(given: list[str]) -> list[str]:
    """Return the arguments with those in the text of ``--options``."""
    text = args.value_of(given, "options")
    if text is None:
        return given
    try:
        return [*args.without(given, "options"), *shlex.split(text)]
    except ValueError as error:
        raise click.UsageError(f"--options: {error}") from error


def _run(site: Site, command: str, arguments: list[str], parallelism: int = 1, summary: str | None = None) -> int:
    if site.in_lms:
        request = Request(LMS, MANAGE, ["manage.py", "lms", command, *arguments], site.environment, summary)
    else:
        request = Request(OWN, MODULE, ["log-replay", command, *arguments], site.environment, summary)
    return site.run(request, parallelism)


def _replay_arguments(site: Site, command: str, given: list[str]) -> list[str]:
    given = args.completed(given, {"transformer_type": "xapi"})
    if not site.in_lms:
        added = "yes" if site_defaults.adds_external_ids(site.settings) else "no"
        given = args.completed(given, {"add_external_ids": added})
    return _with_destination(site, _with_source(site, command, given))


def _with_source(site: Site, command: str, given: list[str]) -> list[str]:
    """Return the arguments with the site's own logs as the source, unless they name another.

    CLICKHOUSE without a configuration is Aspects' own table of tracking events.
    """
    provider = (args.value_of(given, "source_provider") or "").upper()
    if provider == site_defaults.CLICKHOUSE and site_defaults.has_aspects(site.settings):
        return args.completed(given, {"source_config": json.dumps(site_defaults.tracking_table(site.settings))})
    if any(args.is_given(given, option) for option in ("source_provider", "source_config", "base")):
        return given
    if args.has_positional(given, **_arity(command)):
        return given
    source = site_defaults.source(site.settings, site.mode)
    if source is None:
        click.echo(NO_LOGS_ON_KUBERNETES, err=True)
        raise click.exceptions.Exit(WRONG_USAGE)
    return args.completed(given, source)


def _with_destination(site: Site, given: list[str]) -> list[str]:
    """Return the arguments with the site's destination of xAPI statements, unless they name another.

    Upstream, LRS alone means: to the LRSs that RouterConfiguration enables, and to the loggers, which Vector reads. If
    Aspects takes the statements by Vector, they go straight into the table that Vector writes.
    """
    if args.value_of(given, "transformer_type") != "xapi" or any(
        args.is_given(given, option) for option in ("destination_config", "lrs_urls", "to")
    ):
        return given
    provider = args.value_of(given, "destination_provider")
    if provider is not None and provider.upper() != site_defaults.LRS:
        return given
    destination = site_defaults.destination(site.settings)
    if destination is None or (provider and destination["destination_provider"] != site_defaults.CLICKHOUSE):
        return given
    click.echo(f"destination: {site.destination_name()}", err=True)
    given = args.without(given, "destination_provider")
    if site.in_lms and destination["destination_provider"] == site_defaults.CLICKHOUSE:
        destination = {**destination, "log_to": "null"}
    return args.completed(given, destination)


def _parallelism(site: Site, given: list[str]) -> tuple[int, list[str]]:
    """Return the number of pods, and the arguments without it."""
    text = args.value_of(given, "parallelism")
    if text is None:
        return 1, given
    if site.mode != "k8s":
        raise click.UsageError("--parallelism needs `tutor k8s`; on one machine, use --workers")
    if not text.isdecimal() or int(text) < 1:
        raise click.UsageError("--parallelism must be a positive number")
    given = args.without(given, "parallelism")
    if not args.is_given(given, "run"):
        raise click.UsageError("--parallelism needs --run NAME: the pods find each other by this name")
    return int(text), given if "--join" in given else [*given, "--join"]


def _deduplicate(site: Site) -> int:
    table = site_defaults.statement_table(site.settings)
    environment = {
        "OPTIMIZE_URL": table["url"],
        "OPTIMIZE_USERNAME": site.settings.text("CLICKHOUSE_ADMIN_USER"),
        "OPTIMIZE_PASSWORD": site.settings.text("CLICKHOUSE_ADMIN_PASSWORD"),
        "OPTIMIZE_CLUSTER": site.settings.text("CLICKHOUSE_CLUSTER_NAME"),
        "OPTIMIZE_TABLES": ",".join(f"{table['database']}.{name}" for name in (table["table"], *PARSED_TABLES)),
    }
    return site.run(Request(LMS if site.in_lms else OWN, SCRIPT, [SCRIPT], environment))


def _command(callback: Callable[[tuple[str, ...]], list[tuple[str, str]]]) -> click.Command:
    name = callback.__name__.replace("_", "-")
    text = inspect.cleandoc(callback.__doc__ or "")
    return PassingCommand(name, callback=callback, help=text, short_help=text.partition("\n")[0])


_CALLBACKS = (
    replay_tracking_logs,
    replay_gaps,
    inspect_tracking_logs,
    replay_runs,
    transform_tracking_logs,
    dump_data_to_clickhouse,
)
#: The commands that this version of Log Replay has.
COMMANDS = [command for command in map(_command, _CALLBACKS) if _help_file(str(command.name)).is_file()]


def with_our_commands(commands: list[Any], /) -> list[Any]:
    """Return the commands with ours in the place of others of the same name."""
    names = {command.name for command in COMMANDS}
    return [*(command for command in commands if command.name not in names), *COMMANDS]
