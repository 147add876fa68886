"""The lease of a run, and lost connections to the database of the ledger."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from django.db import connection

from log_replay.errors import ConfigurationError
from log_replay.ledger.lease import Lease
from log_replay.models import Run


@pytest.fixture
def script(tmp_path):
    """Return a function that runs a script in a process, with a new ledger in a file."""

    def run(text: str) -> str:
        begin = """
            import django; django.setup()
            from log_replay.standalone.embedded import prepare; prepare()
            from log_replay.models import Run
        """
        environment = {
            **os.environ,
            "LOG_REPLAY_HOME": str(tmp_path / "home"),
            "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings",
        }
        command = [sys.executable, "-c", textwrap.dedent(begin) + textwrap.dedent(text)]
        return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout

    return run


REPLAYING = """
    import argparse, sys
    from django.db import OperationalError
    from log_replay.ledger.database import DatabaseLedger
    from log_replay.options.arguments import add_arguments
    from log_replay.options import read_options
    from log_replay.report.progress import ProgressLog
    from log_replay.pipeline.run import Replay
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = read_options(vars(parser.parse_args({arguments!r})))
    failing = {failing}
    record = DatabaseLedger._record
    def failing_record(self, *arguments, **over):
        if failing:
            raise failing.pop()
        return record(self, *arguments, **over)
    DatabaseLedger._record = failing_record
    report = Replay(options).replay(ProgressLog())
    print(report.stopped, report.total.balanced)
"""


def test_lease_is_renewed_and_released(script):
    said = script("""
        import time
        from log_replay.ledger import lease as leases
        leases.RENEWED_EVERY_SECONDS = 0.05
        run = Run.objects.create(name="x")
        lease = leases.Lease(run.pk, run.name)
        lease.acquire()
        run.refresh_from_db()
        first = run.lease_until
        while run.lease_until == first:
            time.sleep(0.02)
            run.refresh_from_db()
        lease.release()
        run.refresh_from_db()
        print(repr(run.owner), run.lease_until)
    """)
    assert said == "'' None\n"


@pytest.mark.django_db
def test_only_one_process_holds_the_lease():
    run = Run.objects.create(name="x")
    first = Lease(run.pk, run.name)
    first.acquire()
    with pytest.raises(ConfigurationError, match="another process works on the run 'x'"):
        Lease(run.pk, run.name).acquire()
    first.release()
    second = Lease(run.pk, run.name)
    second.acquire()
    second.release()


def test_closed_connection_is_opened_again(script, source):
    """MySQL closes connections that are idle for eight hours."""
    arguments = ["--transformer_type", "xapi", *source, "--destination_provider", "LOGGER", "--log_to", "null"]
    failing = "[OperationalError('server has gone away')]"
    said = script(REPLAYING.format(arguments=[*arguments, "--run", "x"], failing=failing))
    assert said == "None True\n"


def test_unavailable_database_stops_the_run(script, source):
    arguments = ["--transformer_type", "xapi", *source, "--destination_provider", "LOGGER", "--log_to", "null"]
    failing = "[OperationalError('hunter2 at 10.0.0.1')] * 10"
    said = script(REPLAYING.format(arguments=[*arguments, "--run", "x"], failing=failing))
    assert "record the progress: the database of the ledger failed (OperationalError)" in said
    assert "hunter2" not in said


def test_only_a_named_run_needs_the_tables_of_the_ledger(replay, into_files):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE log_replay_run RENAME TO elsewhere")
    with pytest.raises(ConfigurationError, match="migrate log_replay"):
        replay(*into_files, "--run", "x")
    report = replay(*into_files)
    assert report.complete
    assert report.run is None
