"""``python -m tests.benchmarks.clickhouse [--quick]``: the cost of ClickHouse as a destination, as ratios in one run.

The engine is the embedded one. Each measurement has its own process, because a process can open only one database.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path

from tests.support.paths import TESTS

ROUNDS = 3
LINE = "{:<66}{:>14}{:>10}\n"


def main() -> None:
    quick = "--quick" in sys.argv
    events = 20_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sys.stdout.write(LINE.format("", "measured", "at least"))
        child("inserting", folder, 20_000 if quick else 100_000)
        child("pipeline", folder, 10_000 if quick else 60_000)
        child("only_missing", folder, 10_000 if quick else 60_000)
        gaps(folder, events)


def show(measure: str, value: str, at_least: str) -> None:
    sys.stdout.write(LINE.format(measure, value, at_least))
    sys.stdout.flush()


def child(benchmark: str, folder: Path, count: int) -> None:
    """Run one of the functions below in a process of its own."""
    environment = {**os.environ, "LOG_REPLAY_HOME": str(folder / benchmark), "DJANGO_SETTINGS_MODULE": SETTINGS}
    subprocess.run([sys.executable, __file__, benchmark, str(folder), str(count)], env=environment, check=True)


SETTINGS = "log_replay.standalone.settings"


def inserting(_folder: Path, count: int) -> None:
    """Compare the sink with the driver's ``raw_insert`` of prepared rows: 100,000 rows of 1.6 KB, 10,000 in a batch."""
    from log_replay.clickhouse.rows import statement_row
    from log_replay.sinks.clickhouse.sink import open_clickhouse

    batches = statement_batches(count)
    statements = [[statement for event in batch for statement in event.statements] for batch in batches]
    json_rows = [b"".join(map(json_row, each)) for each in statements]
    binary_rows = [b"".join(chain.from_iterable(map(statement_row, each))) for each in statements]
    sink = open_clickhouse("CLICKHOUSE", {"create_tables": True}, transformer_type="xapi", key="0" * 12)
    sink.check()
    client, table = sink._client.client, "openedx.xapi_events_all"
    columns = ["event_id", "emission_time", "event"]
    settings = {"date_time_input_format": "best_effort"}

    def raw(bodies: list[bytes], row_format: str) -> None:
        for body in bodies:
            client.raw_insert(table, columns, body, fmt=row_format, settings=settings)

    def empty() -> None:
        client.command(f"TRUNCATE TABLE {table}")

    paths = {
        "sink": lambda: [sink.deliver(batch) for batch in batches],
        "json": lambda: raw(json_rows, "JSONEachRow"),
        "binary": lambda: raw(binary_rows, "RowBinary"),
    }
    best = best_seconds(paths, empty)
    show(f"rows/s by raw_insert of JSONEachRow, {count:,} rows", f"{count / best['json']:,.0f}", "")
    show("the sink, relative to that", f"{best['json'] / best['sink']:.0%}", "90%")
    show("the sink, relative to raw_insert of the same RowBinary", f"{best['binary'] / best['sink']:.0%}", "")
    sink.close(complete=True)


def pipeline(folder: Path, count: int) -> None:
    """Measure a run from logs to rows: a worker process makes the statements, and this process inserts them."""
    django_ready(folder)
    from log_replay.pipeline.transform import open_transform
    from log_replay.pipeline.transform_settings import transform_settings
    from log_replay.pipeline.workers.pool import Pool
    from log_replay.sinks.clickhouse.sink import open_clickhouse

    options = options_of(write_log(folder, count))
    sink = open_clickhouse("CLICKHOUSE", {"create_tables": True}, transformer_type="xapi", key="0" * 12)
    sink.check()
    with Pool(transform_settings(options, sink.routing), open_transform, 1) as pool:
        list(pool.results(blocks_of(folder)))  # warm up: processes, imports, caches
        batches: list = []

        def transform() -> None:
            batches[:] = batched(pool.results(blocks_of(folder)), 10_000)

        def insert() -> None:
            for batch in batches:
                sink.deliver(batch)

        def both() -> None:
            for batch in batched(pool.results(blocks_of(folder)), 10_000):
                sink.deliver(batch)

        best = best_seconds(
            {"transform": transform, "insert": insert, "both": both},
            lambda: sink._client.client.command("TRUNCATE TABLE openedx.xapi_events_all"),
        )
    statements = sum(len(event.statements) for batch in batches for event in batch)
    sink.close(complete=True)
    show(f"statements/s, logs to rows, of {statements:,}", f"{statements / best['both']:,.0f}", "")
    slower = max(best["transform"], best["insert"])
    alone = f"transforming {statements / best['transform']:,.0f}/s, inserting {statements / best['insert']:,.0f}/s"
    show(f"relative to the slower of the two alone ({alone})", f"{slower / best['both']:.0%}", "80%")


def only_missing(folder: Path, count: int) -> None:
    """Compare a run with and without --only_missing, into a table that already has all statements."""
    django_ready(folder)
    from log_replay.pipeline.run import Replay
    from log_replay.report.progress import ProgressLog

    write_log(folder, count)

    def replay(*more: str) -> None:
        report = Replay(options_of(folder, "--destination_provider", "CLICKHOUSE", "--create_tables", *more)).replay(
            ProgressLog()
        )
        assert report.complete, report.as_dict()

    replay()
    best = best_seconds({"without": replay, "with": lambda: replay("--only_missing")}, lambda: None)
    show(
        "time with --only_missing, nothing missing, of that without",
        f"{best['with'] / best['without']:.0%}",
        "<= 100%",
    )


def gaps(folder: Path, events: int) -> None:
    """Measure the peak memory of replay_gaps, with the engine in the same process."""
    home = folder / "gaps"
    write_log(home, events)
    environment = {**os.environ, "LOG_REPLAY_HOME": str(home), "DJANGO_SETTINGS_MODULE": SETTINGS}
    config = json.dumps({"key": str(home), "container": "logs"})
    source = ["--source_provider", "LOCAL", "--source_config", config, "--transformer_type", "xapi"]

    def run(*arguments: str) -> None:
        program = "from log_replay.management.main import main; main()"
        command = [sys.executable, "-c", program, *arguments]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    run("load_identities", str(home / "identities.json"))
    run(
        "transform_tracking_logs",
        *source,
        "--destination_provider",
        "CLICKHOUSE",
        "--create_tables",
        "--until",
        "2026-03-02",
    )
    measure = """if 1:
        import resource, subprocess, sys
        subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    """
    for by in ("day", "course"):
        program = "from log_replay.management.main import main; main()"
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", measure, sys.executable, "-c", program, "replay_gaps", *source, "--by", by],
            env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        megabytes = int(done.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e6
        show(
            f"replay_gaps --by {by} over {events:,} events, {time.monotonic() - began:.0f} s: peak memory",
            f"{megabytes:,.0f} MB",
            "< 500 MB" if by == "day" else "",
        )


def best_seconds(paths: dict, before) -> dict[str, float]:
    """Return the best time of each path. The paths take turns, so other load on the machine affects all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(ROUNDS):
        for name, run in paths.items():
            before()
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {name: min(each) for name, each in seconds.items()}


def statement_batches(count: int) -> list:
    """Return batches of 10,000 events with a statement of 1.6 KB each, with content from a generated log."""
    from tests import generate_log
    from tests.support.statement_batches import event, xapi

    begin = datetime(2026, 3, 1, tzinfo=UTC)
    lines = (line[:-1].decode() for line in generate_log.lines(count=count, known=1.0))
    made = (
        xapi(time=(begin + timedelta(seconds=number)).isoformat(timespec="microseconds"), line=line)
        for number, line in enumerate(lines)
    )
    events = (event(each._replace(text=each.text.ljust(1600)[:1600]), offset=n) for n, each in enumerate(made))
    return list(map(list, iter(lambda: list(islice(events, 10_000)), [])))


def json_row(statement) -> bytes:
    from log_replay.sinks.files.layouts import row_line

    return row_line(statement)


def write_log(folder: Path, count: int) -> Path:
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    script = [
        sys.executable,
        str(TESTS / "generate_log.py"),
        "--lines",
        str(count),
        "--known",
        "1.0",
        "--users",
        "2000",
    ]
    with (folder / "logs" / "tracking.log").open("wb") as log:
        subprocess.run([*script, "--identities", str(folder / "identities.json")], stdout=log, check=True)
    return folder


def django_ready(folder: Path) -> None:
    """Set up Django, with the users of the log in the embedded database."""
    import django

    django.setup()
    from log_replay.standalone.embedded import load_identities, prepare

    write_log(folder, 1)
    prepare()
    load_identities(json.loads((folder / "identities.json").read_text()))


def options_of(folder: Path, *arguments: str):
    import argparse

    from log_replay.options import read_options
    from log_replay.options.arguments import add_arguments

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    config = json.dumps({"key": str(folder), "container": "logs"})
    source = ["--source_provider", "LOCAL", "--source_config", config, "--transformer_type", "xapi"]
    return read_options(
        vars(parser.parse_args([*source, "--destination_provider", "LOGGER", "--log_to", "null", *arguments]))
    )


def blocks_of(folder: Path):
    from log_replay.pipeline.lines import blocks

    with (folder / "logs" / "tracking.log").open("rb") as log:
        yield from blocks(iter(lambda: log.read(1 << 20), b""), object="tracking.log")


def batched(results, size: int):
    waiting: list = []
    for result in results:
        waiting += result.events
        while len(waiting) >= size:
            yield waiting[:size]
            del waiting[:size]
    if waiting:
        yield waiting


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in {"inserting", "pipeline", "only_missing"}:
        import logging

        logging.disable()
        globals()[sys.argv[1]](Path(sys.argv[2]) / sys.argv[1], int(sys.argv[3]))
    else:
        main()
