"""Command lines that an operator, a cron job or an attacker may type, and how each must end.

A row has a name, the arguments as a shell reads them, the exit code, and a pattern for the first line of stderr that is
neither progress nor a warning.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.faults.wrong_values import (
    ODD_OBJECTS,
    SECRET,
    WRONG_DESTINATIONS,
    WRONG_PLACES,
    WRONG_SOURCES,
    WRONG_VALUES,
)

LOGS = """--source_provider LOCAL --source_config '{"key": ".", "container": "logs"}'"""
XAPI = "--transformer_type xapi"
RUN = f"transform_tracking_logs {XAPI}"
DRY = f"{RUN} {LOGS} --dry_run --log_to null"
FILES = f"""{RUN} {LOGS} --destination_provider LOCAL --destination_config '{{"key": ".", "container": "out"}}'"""


@dataclass(frozen=True)
class Line:
    """One command line.

    Attributes:
        name: what it tries.
        arguments: as typed behind ``log-replay``.
        code: the exit code.
        says: a regular expression for the first line of stderr that is no warning; None if nothing need be said.
        environment: variables; a command with any runs in a fresh process.
        stdin: what is piped in; None closes standard input.
        stdout: ``file``, ``closed``, or the path of a device.
        stderr: likewise.
        limits: resource limits by their names.
        leaves: files that are there afterwards and were not before, as patterns of ``fnmatch``.
    """

    name: str
    arguments: str
    code: int
    says: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    stdin: bytes | None = b""
    stdout: str | None = "file"
    stderr: str | None = "file"
    limits: dict[str, int] = field(default_factory=dict)
    leaves: tuple[str, ...] = ()


def _options(pairs: dict[str, tuple[str, ...]]) -> list[Line]:
    """Return a row for each value that an option refuses."""
    return [
        Line(f"{option} {value!r}", f"{DRY} --{option}={value}", 2, rf"--{option}|{value}")
        for option, values in pairs.items()
        for value in values
    ]


def _source(what: str, provider: str, config: str, says: str) -> Line:
    return Line(
        f"source: {what}", f"{RUN} --dry_run --source_provider '{provider}' --source_config '{config}'", 2, says
    )


def _destination(what: str, provider: str, config: str, says: str) -> Line:
    more = f"--destination_provider {provider} --destination_config '{config}'"
    return Line(f"destination: {what}", f"{RUN} {LOGS} {more}", 2, says)


def _object(name: str, code: int, says: str | None) -> Line:
    config = (
        '{"key": ".", "container": "odd", "prefix": "' + name.replace("\x1b", "\\u001b").replace("\n", "\\n") + '"}'
    )
    return Line(
        f"object: {name!r}",
        f"{RUN} --dry_run --log_to null --source_provider LOCAL --source_config '{config}'",
        code,
        says,
    )


LINES: tuple[Line, ...] = (
    # Usage
    Line("nothing", "", 0),
    Line("--help", "--help", 0),
    Line("--version", "--version", 0),
    Line("help of the command", "transform_tracking_logs --help", 0),
    Line("help by the other name", "replay_tracking_logs --help", 0),
    Line("help of runs", "replay_runs --help", 0),
    Line("help of gaps", "replay_gaps --help", 0),
    Line("help of query", "query --help", 0),
    Line("help of the dump", "dump_data_to_clickhouse --help", 0),
    Line("help of explain", "explain_tracking_log --help", 0),
    Line("help of load_identities", "load_identities --help", 0),
    Line("an unknown command", "transfrom_tracking_logs", 2, "transfrom_tracking_logs"),
    Line("no option", "transform_tracking_logs", 2, "transformer_type"),
    Line("no source", f"{RUN} --dry_run", 2, "there is no source"),
    Line("no transformer type", f"transform_tracking_logs {LOGS}", 2, "transformer_type"),
    Line("an unknown transformer type", f"transform_tracking_logs {LOGS} --transformer_type cmi5", 2, "cmi5"),
    Line("an unknown option", f"{DRY} --colour", 2, "--colour"),
    Line("a misspelt option with a secret", f"{DRY} --destinaton_config={SECRET}", 2, "--destinaton_config"),
    Line("a stray word", f"{DRY} now", 2, "given twice"),
    Line("help of the verb", "replay --help", 0),
    Line("an unknown verb", "replya", 2, r"did you mean replay\?"),
    Line("completion of no shell", "completion tcsh", 2, "bash, zsh, fish"),
    Line("an option twice", f"{DRY} --batch_size 5 --batch_size 10", 0),
    Line("dashes", f"{DRY} --batch-size 5", 0),
    Line(
        "a provider in small letters",
        DRY.replace("LOCAL", "local"),
        0,
    ),
    Line("an option without its value", f"{DRY} --batch_size", 2, "--batch_size"),
    *_options(WRONG_VALUES),
    # Options that have no effect together
    Line("since behind until", f"{DRY} --since 2026-03-02 --until 2026-03-01", 2, "--since"),
    Line("an event that nothing has", f"{DRY} --event nosuch.event", 2, "nosuch.event"),
    Line("a course that nothing has", f"{DRY} --course course-v1:no+such+course", 0),
    Line("rejects_with_content alone", f"{DRY} --rejects_with_content", 2, "--rejects"),
    Line("missing_from alone", f"{DRY} --missing_from '{{}}'", 2, "--only_missing"),
    Line("tracking without ClickHouse", f"{FILES} --tracking", 2, "CLICKHOUSE"),
    Line("create_tables without ClickHouse", f"{FILES} --create_tables", 2, "--create_tables"),
    Line("layout without rows", f"{FILES} --format statements --layout aspects", 2, "layout|rows"),
    Line("lrs_urls for files", f"{FILES} --lrs_urls http://127.0.0.1:9/", 2, "lrs_urls"),
    Line("max_rate for files", f"{FILES} --max_rate 5", 2, "max_rate"),
    Line("a name that is none", f"{FILES} --run 'a b'", 2, "--run"),
    Line(
        "a name for STDIN",
        f"{FILES.replace(LOGS, '--source_provider STDIN')} --run one",
        2,
        "STDIN",
    ),
    Line("too many rejects", f"{DRY} --max_rejected 0", 3, "max_rejected|rejected"),
    Line("more rejects than a share", f"{DRY} --max_rejected 0.1%", 3, "max_rejected|rejected"),
    Line("rejects that are allowed", f"{DRY} --max_rejected 90%", 0),
    # Sources and destinations
    *(_source(what, *row) for what, row in WRONG_SOURCES.items()),
    *(_destination(what, *row) for what, row in WRONG_DESTINATIONS.items()),
    *(Line(f"place: {what}", f"replay {more}", 2, says) for what, (more, says) in WRONG_PLACES.items()),
    Line("place: files and folders", "replay logs 'logs/*.log' ./logs/a.log --log_to null", 0),
    Line("place: a folder to be made", "replay logs --to new --workers 1", 0, leaves=("new/*",)),
    Line("place: standard input", "replay - --log_to null", 0),
    Line("place: embedded ClickHouse without a package", "gaps logs --to stdout", 2, "--to clickhouse"),
    Line("place: a limit", "replay logs --limit 3 --log_format pretty", 0, "ended after 3 statements"),
    *(_object(name, *row) for name, row in ODD_OBJECTS.items()),
    # Paths
    Line(
        "invalid without validate",
        f"{RUN} {LOGS} --destination_provider LOGGER --log_to null --invalid reject",
        2,
        "--validate",
    ),
    Line("invalid in a dry run without validation", f"{DRY} --no-validate --invalid reject", 2, "--validate"),
    Line("reject what is not valid", f"{DRY} --invalid reject", 0, "invalid_statement"),
    Line("explain a line", "explain logs/a.log:0", 0),
    Line("explain a line that is no event", "explain logs/a.log:3391", 3, "no statement"),
    Line("explain from the middle of a line", "explain logs/a.log:5", 2, "a.log:0"),
    Line("explain behind the end", "explain logs/a.log:99999999", 2, "ends at"),
    Line("explain without an offset", "explain logs/a.log", 2, "OBJECT:OFFSET"),
    Line("explain a negative offset", "explain logs/a.log:-1", 2, "OBJECT:OFFSET"),
    Line("explain nothing", "explain", 2, "OBJECT:OFFSET"),
    Line("explain no file", "explain nosuch.log:0", 2, "nosuch.log"),
    Line("explain a folder", "explain logs:0", 2, "logs"),
    Line("explain standard input", "explain -", 3, "no statement", stdin=b"Traceback\n"),
    Line("explain an empty standard input", "explain -", 0),
    Line("explain with closed stdin", "explain -", 2, "standard input is closed", stdin=None),
    Line("explain with closed stdout", "explain logs/a.log:0", 2, "stdout", stdout=None),
    Line("explain to a full device", "explain logs/a.log:0", 1, "No space", stdout="/dev/full"),
    Line("explain rejects of another source", f"explain {LOGS} --from_rejects strange.jsonl", 2, "from_rejects"),
    Line("explain rejects of objects that are gone", "explain --from_rejects strange.jsonl", 2, "elsewhere.log"),
    Line(
        "explain for an unknown LRS setting",
        f"""explain logs/a.log:0 --destination_config '{{"pasword": "{SECRET}"}}'""",
        2,
        "pasword",
    ),
    Line("explain a truncated object", "explain odd/truncated.log.gz:400000", 1, "truncated.log.gz"),
    Line("explain a pipe", "explain odd/fifo.log:0", 2, "regular"),
    Line("rejects in no folder", f"{DRY} --rejects nosuch/r.jsonl", 2, "--rejects"),
    Line("rejects to a folder", f"{DRY} --rejects out", 2, "--rejects"),
    Line("rejects to a source object", f"{DRY} --rejects logs/a.log", 2, "a.log"),
    Line("summary to a source object", f"{DRY} --summary logs/a.log", 2, "a.log"),
    Line("log to a source object", f"{RUN} {LOGS} --dry_run --log_to file:logs/a.log", 2, "a.log"),
    Line("rejects over a file of others", f"{DRY} --rejects precious.txt", 2, "precious.txt"),
    Line("summary over a file of others", f"{DRY} --summary precious.txt", 2, "precious.txt"),
    Line("summary in no folder", f"{DRY} --summary nosuch/s.json", 2, "--summary"),
    Line("summary to a device", f"{DRY} --summary /dev/null", 0),
    Line("rejects to a device", f"{DRY} --rejects /dev/null", 0),
    Line("log to a device", f"{RUN} {LOGS} --dry_run --log_to file:/dev/null", 0),
    Line("summary to a full device", f"{DRY} --summary /dev/full", 1, "/dev/full"),
    Line("summary to a link", f"{DRY} --summary link.json", 0, leaves=("target.json",)),
    Line("a summary", f"{DRY} --summary s.json", 0, leaves=("s.json",)),
    Line("rejects", f"{DRY} --rejects r.jsonl", 0, leaves=("r.jsonl",)),
    Line("from_rejects of no file", f"{DRY} --from_rejects nosuch", 2, "nosuch"),
    Line("from_rejects of a log", f"{DRY} --from_rejects logs/a.log", 2, "a.log"),
    Line("from_rejects of an empty file", f"{DRY} --from_rejects empty.txt", 2, "empty.txt"),
    Line("from_rejects of another source", f"{DRY} --from_rejects strange.jsonl", 2, "from_rejects"),
    Line("a listener that is not there", f"{RUN} {LOGS} --dry_run --log_to tcp://127.0.0.1:9", 2, "127.0.0.1:9"),
    Line(
        "a listener of an unknown host", f"{RUN} {LOGS} --dry_run --log_to tcp://nosuch.invalid:99", 2, "nosuch.invalid"
    ),
    Line("a file as a Unix socket", f"{RUN} {LOGS} --dry_run --log_to unix:precious.txt", 2, "precious.txt"),
    # Standard streams
    Line(
        "STDIN that is closed",
        f"{RUN} --dry_run --log_to null --source_provider STDIN",
        2,
        "standard input",
        stdin=None,
    ),
    Line("STDIN that is empty", f"{RUN} --dry_run --log_to null --source_provider STDIN", 0),
    Line(
        "STDIN that is binary", f"{RUN} --dry_run --log_to null --source_provider STDIN", 0, stdin=bytes(range(256)) * 9
    ),
    Line(
        "STDIN that is half a gzip",
        f"{RUN} --dry_run --log_to null --source_provider STDIN",
        1,
        "stdin",
        stdin=b"\x1f\x8b\x08\0\0\0\0\0",
    ),
    Line(
        "stdout that is full",
        f"{RUN} {LOGS} --dry_run --log_to stdout --log_format raw",
        1,
        "stdout|No space",
        stdout="/dev/full",
    ),
    Line(
        "stdout that is closed",
        f"{RUN} {LOGS} --dry_run --log_to stdout --log_format raw",
        2,
        "stdout: it is closed",
        stdout=None,
    ),
    Line("stderr that is full", f"{DRY} --summary s.json", 0, stderr="/dev/full", leaves=("s.json",)),
    Line("stderr that is closed", f"{DRY} --summary s.json", 0, stderr=None, leaves=("s.json",)),
    Line("a plan to a full stdout", f"{RUN} {LOGS} --plan", 1, "stdout|No space", stdout="/dev/full"),
    Line("usage to a full stdout", "--help", 1, "stdout", stdout="/dev/full"),
    Line("the plan", f"{RUN} {LOGS} --plan", 0),
    # Limits
    Line(
        "a limit on the size of files",
        f"{FILES} --run limited --batch_size 100000",
        1,
        "File too large|no file of this size",
        limits={"RLIMIT_FSIZE": 250_000},
        leaves=("out/*",),
    ),
    Line(
        "few file descriptors and many workers",
        f"{DRY} --workers 4",
        2,
        "file|descriptors",
        limits={"RLIMIT_NOFILE": 24},
    ),
    Line("more workers than any machine has", f"{DRY} --workers 1000", 0, None),
    # Runs in the ledger
    Line("the runs", "replay_runs list", 0),
    Line("a run that is not there", "replay_runs show nosuch", 2, "nosuch"),
    Line("resuming one that is not there", "replay_runs resume nosuch", 2, "nosuch"),
    Line("deleting one that is not there", "replay_runs delete nosuch", 2, "nosuch"),
    Line("an unknown action", "replay_runs destroy nosuch", 2, "destroy"),
    Line("no action", "replay_runs", 2, "list"),
    Line("pruning a negative age", "replay_runs prune -5", 2, "-5"),
    Line("pruning nothing", "replay_runs prune nan", 2, "nan"),
    Line("pruning", "replay_runs prune 90", 0),
    Line("files", f"{FILES} --run one", 0, leaves=("out/*",)),
    # The other commands
    Line("a query of nothing", "query 'SELECT 1'", 2, "no embedded database"),
    Line("a query of no files", "query 'SELECT 1' --files nosuch/*", 2, "nosuch"),
    Line("a query that writes", "query 'DROP TABLE statements' --files logs/a.log", 2, "only queries that read|read"),
    Line("a query into a file", "query \"SELECT 1 INTO OUTFILE 'x'\" --files logs/a.log", 2, "read"),
    Line("a query that is no SQL", "query SELEKT --files logs/a.log", 2, "query|SELEKT|Syntax"),
    Line("gaps with no database", f"replay_gaps {LOGS} {XAPI}", 2, "no embedded database"),
    Line(
        "gaps with ClickHouse that refuses",
        f'replay_gaps {LOGS} {XAPI} --missing_from \'{{"url": "http://127.0.0.1:9"}}\'',
        2,
        "refused",
    ),
    Line("gaps by nothing known", f"replay_gaps {LOGS} {XAPI} --by minute", 2, "minute"),
    Line("gaps into no folder", f"replay_gaps {LOGS} {XAPI} --html nosuch/g.html", 2, "--html"),
    Line("a dump of nothing known", "dump_data_to_clickhouse --object moons", 2, "moons"),
    Line("a dump that deletes", "dump_data_to_clickhouse --object auth_user", 2, "auth_user"),
    Line("identities of no file", "load_identities nosuch.json", 2, "nosuch.json"),
    Line("identities of a log", "load_identities logs/a.log", 2, "a.log"),
    Line("identities of a folder", "load_identities logs", 2, "logs"),
    # The environment
    Line("a root URL that is none", DRY, 2, "LOG_REPLAY_LMS_ROOT_URL", environment={"LOG_REPLAY_LMS_ROOT_URL": "lms"}),
    Line(
        "an unknown agent type",
        DRY,
        2,
        "LOG_REPLAY_XAPI_AGENT_IFI_TYPE",
        environment={"LOG_REPLAY_XAPI_AGENT_IFI_TYPE": "openid"},
    ),
    Line(
        "a database URL that is none",
        DRY,
        2,
        "LOG_REPLAY_DATABASE_URL",
        environment={"LOG_REPLAY_DATABASE_URL": f"openedx:{SECRET}"},
    ),
    Line(
        "a database of an unknown kind",
        DRY,
        2,
        "LOG_REPLAY_DATABASE_URL",
        environment={"LOG_REPLAY_DATABASE_URL": f"dbase://a:{SECRET}@b/c"},
    ),
    Line(
        "a database without its root URL",
        DRY,
        2,
        "LOG_REPLAY_LMS_ROOT_URL",
        environment={"LOG_REPLAY_DATABASE_URL": "sqlite:///empty.sqlite3"},
    ),
    Line(
        "a database that is not there",
        DRY,
        2,
        "no such file",
        environment={
            "LOG_REPLAY_DATABASE_URL": "sqlite:////nosuch/lms.sqlite3",
            "LOG_REPLAY_LMS_ROOT_URL": "https://lms.example.com",
        },
    ),
    Line(
        "a database without the LMS's tables",
        DRY,
        2,
        "table",
        environment={
            "LOG_REPLAY_DATABASE_URL": "sqlite:///empty.sqlite3",
            "LOG_REPLAY_LMS_ROOT_URL": "https://lms.example.com",
        },
    ),
    Line(
        "a database that refuses",
        DRY,
        2,
        "connection refused|driver for mysql is not installed",
        environment={
            "LOG_REPLAY_DATABASE_URL": f"mysql://a:{SECRET}@127.0.0.1:9/c",
            "LOG_REPLAY_LMS_ROOT_URL": "https://lms.example.com",
        },
    ),
    Line("a home that is a file", DRY, 2, "LOG_REPLAY_HOME", environment={"LOG_REPLAY_HOME": "precious.txt"}),
    Line("a home below a file", DRY, 2, "LOG_REPLAY_HOME", environment={"LOG_REPLAY_HOME": "precious.txt/home"}),
    Line(
        "a home whose database is damaged", DRY, 2, "database|ledger", environment={"LOG_REPLAY_HOME": "damaged-home"}
    ),
    Line(
        "help with a database URL that is none",
        "transform_tracking_logs --help",
        0,
        environment={"LOG_REPLAY_DATABASE_URL": "openedx"},
    ),
    Line(
        "settings that are not there",
        DRY,
        2,
        "DJANGO_SETTINGS_MODULE",
        environment={"DJANGO_SETTINGS_MODULE": "nosuch.settings"},
    ),
)
