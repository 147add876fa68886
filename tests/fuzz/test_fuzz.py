"""No input ends in an uncaught exception, and no content appears in our own log or in a message.

``LOG_REPLAY_FUZZ_EXAMPLES`` is the number of examples of each test (default 80).
"""

from __future__ import annotations

import gzip
import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout, suppress

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from log_replay.errors import ConfigurationError
from log_replay.options.values import read_config
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.report.rejects import read_rejects
from log_replay.sinks import open_sink
from log_replay.sources import open_source
from log_replay.statement_log import configure_own_log
from tests.support.paths import SAMPLE
from tests.support.runs import parsed

EXAMPLES = int(os.environ.get("LOG_REPLAY_FUZZ_EXAMPLES", "80"))
#: Content of learners: it may appear only in statements.
MARK = "CONTENT7f3a"
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

SAMPLE_LINES = [
    line[line.index(b"{") :] for line in (SAMPLE / "tracking.log").read_bytes().splitlines() if b"{" in line
]


def _parsed(line: bytes):
    try:
        return json.loads(line)
    except ValueError:
        return None


EVENTS = [event for event in map(_parsed, SAMPLE_LINES) if isinstance(event, dict)]
odd_text = st.text(max_size=8).map(lambda text: MARK + text)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | odd_text | st.sampled_from(["", MARK * 1000, "\ud800"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text | st.just("id"), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def altered_events(draw):
    """A real event with one to three fields, at any depth, that are changed, added or removed."""
    event = json.loads(json.dumps(draw(st.sampled_from(EVENTS))))
    for _ in range(draw(st.integers(1, 3))):
        place = event
        while True:
            name = draw(st.sampled_from([*sorted(place), "new"]))
            if isinstance(place.get(name), dict) and place[name] and draw(st.booleans()):
                place = place[name]
                continue
            if draw(st.booleans()):
                place.pop(name, None)
            else:
                place[name] = draw(values)
            break
    return json.dumps(event, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


@st.composite
def damaged_lines(draw):
    """A real line that is cut, or in which some bytes are replaced."""
    line = bytearray(draw(st.sampled_from(SAMPLE_LINES)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(line)))
        line[start : start + draw(st.integers(0, 40))] = draw(st.binary(max_size=10))
    return MARK.encode() + bytes(line) if draw(st.booleans()) else bytes(line)


lines = altered_events() | damaged_lines() | st.binary(max_size=60).map(lambda data: MARK.encode() + data)
objects = st.lists(lines, max_size=6).map(b"\n".join)


@pytest.fixture
def own_log():
    written = io.StringIO()
    configure_own_log(written)
    return written


def replayed(arguments: list[str]) -> None:
    """Run, and check the counters and the summary. The names of unknown events in it may be anything."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        report = Replay(parsed(arguments)).replay(ProgressLog())
    assert report.total.balanced
    summary = report.as_dict()
    del summary["unknown_names"]
    assert MARK not in said.getvalue() + orjson.dumps(summary).decode()


@fuzzed
@given(
    contents=st.lists(objects, min_size=1, max_size=3),
    compressed=st.booleans(),
    transformer=st.sampled_from(["xapi", "caliper"]),
)
def test_no_line_ends_a_run_or_appears_in_our_log(
    sample_identities, tmp_path_factory, own_log, contents, compressed, transformer
):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "logs").mkdir()
    for number, content in enumerate(contents):
        name, data = (f"{number}.log.gz", gzip.compress(content)) if compressed else (f"{number}.log", content)
        (folder / "logs" / name).write_bytes(data or b"\n")
    rejects = folder / "rejects"
    replayed(
        [
            *("--transformer_type", transformer, "--source_provider", "LOCAL", "--dry_run", "--log_to", "null"),
            *("--source_config", json.dumps({"key": str(folder), "container": "logs"}), "--rejects", str(rejects)),
        ]
    )
    assert MARK not in own_log.getvalue()
    assert not any(MARK in json.dumps(json.loads(line)) for line in rejects.read_bytes().splitlines())


damaged_archives = st.builds(
    lambda content, start, patch, cut: _patched(gzip.compress(content), start, patch)[: cut or None],
    objects,
    st.integers(0, 200),
    st.binary(max_size=8),
    st.integers(0, 100),
)


def _patched(data: bytes, start: int, patch: bytes) -> bytes:
    return data[:start] + patch + data[start + len(patch) :]


@fuzzed
@given(
    data=damaged_archives
    | st.binary(max_size=100)
    | st.binary(max_size=60).map(lambda data: b"\x28\xb5\x2f\xfd" + data)
)
def test_no_damaged_object_ends_a_run(sample_identities, tmp_path_factory, own_log, data):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "logs").mkdir()
    (folder / "logs" / "a.log.gz").write_bytes(data or b"\n")
    replayed(
        [
            *("--transformer_type", "xapi", "--source_provider", "LOCAL", "--dry_run", "--log_to", "null"),
            *("--source_config", json.dumps({"key": str(folder), "container": "logs"})),
        ]
    )
    assert MARK not in own_log.getvalue()


names = st.sampled_from(
    ["url", "username", "password", "token", "auth_key", "timeout_seconds", "verify", "compression", "max_rate", "key",
     "secret", "container", "prefix", "host", "port", "secure", "region", "lrs_concurrency", "database", "table"]
)  # fmt: skip
plain = scalars | st.sampled_from(["http://127.0.0.1:9/", "http://[", "s3", "../..", "gzip", "logs", "/", "\0"])
configs = st.dictionaries(
    names | odd_text, plain | st.lists(plain, max_size=2) | st.dictionaries(odd_text, plain, max_size=2), max_size=5
)


def complaint(call) -> str:
    """Return the message of a configuration error, or an empty text."""
    try:
        call()
    except ConfigurationError as error:
        return str(error)
    return ""


def says_no_secret(text: str, config: dict) -> bool:
    """Tell whether a text contains no secret. A secret that is also the name of a setting does not count."""
    secrets = [config.get(name) for name in ("password", "token", "auth_key", "secret")]
    marked = [secret for secret in secrets if isinstance(secret, str) and MARK in secret]
    return not any(secret in text and not any(secret in name for name in config) for secret in marked)


@fuzzed
@given(
    provider=st.sampled_from(["LRS", "LOCAL", "S3", "MINIO", "LOGGER", "AZURE_BLOBS"]) | st.text(max_size=6),
    config=configs,
    transformer=st.sampled_from(["xapi", "caliper"]),
)
@example(provider="LOCAL", config={"password": MARK, "compression": MARK}, transformer="xapi")
@example(
    provider="LOCAL", config={"secret": f"{MARK}\\", "container": "a", "prefix": f"../{MARK}\\"}, transformer="xapi"
)
@pytest.mark.usefixtures("db")
def test_any_destination_config_opens_or_is_refused(provider, config, transformer):
    def opened():
        sink = open_sink(provider, config, transformer_type=transformer, key="0" * 12)
        for endpoint in getattr(sink, "_endpoints", ()):
            endpoint.route.check()

    assert says_no_secret(complaint(opened), config)


@fuzzed
@given(provider=st.sampled_from(["LOCAL", "S3", "MINIO", "STDIN"]) | st.text(max_size=6), config=configs)
def test_any_source_config_opens_or_is_refused(provider, config):
    assert says_no_secret(complaint(lambda: open_source(provider, config)), config)


odd_json = st.sampled_from(["[" * 10**5, '{"a": "${NOT_SET_AT_ALL}"}', "@", "@\0", "@/", "@~nobody/x", "1e999", "NaN"])


@fuzzed
@given(st.text(max_size=40) | configs.map(json.dumps) | odd_json)
def test_any_json_option_is_read_or_refused(text):
    said = complaint(lambda: read_config("--source_config", text))
    assert MARK not in said or text.startswith("@")


OPTIONS = [
    "--batch_size",
    "--sleep_between_batches_secs",
    "--since",
    "--until",
    "--max_rejected",
    "--max_line_bytes",
    "--workers",
    "--unit_size",
    "--grace_secs",
    "--max_rate",
    "--lrs_concurrency",
    "--verify_sample",
]


@fuzzed
@given(option=st.sampled_from(OPTIONS), value=st.text(max_size=12) | st.floats().map(str) | st.integers().map(str))
def test_any_option_value_is_read_or_refused(option, value):
    arguments = ["--source_provider", "STDIN", "--transformer_type", "xapi", f"{option}={value}"]
    with redirect_stderr(io.StringIO()), suppress(ConfigurationError, SystemExit):
        parsed(arguments)


@fuzzed
@given(
    st.lists(
        st.binary(max_size=40)
        | values.map(lambda value: json.dumps(value).encode())
        | st.just(b'{"object": "a", "offset": 1}'),
        max_size=4,
    )
)
def test_any_rejects_file_is_read_or_refused(tmp_path_factory, entries):
    path = tmp_path_factory.mktemp("fuzz") / "rejects"
    path.write_bytes(b"\n".join(entries))
    assert MARK not in complaint(lambda: read_rejects("--from_rejects", str(path)))
