"""The right to work on a run lasts as long as the process that has it; the database may come and go."""

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
    """Run a script on a ledger of its own, in a process of its own: its database is a file, not a transaction."""

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
    def losing(self, *arguments, **over):
        if failing:
            raise failing.pop()
        return record(self, *arguments, **over)
    DatabaseLedger._record = losing
    report = Replay(options).replay(ProgressLog())
    print(report.stopped, report.total.balanced)
"""


def test_it_is_renewed_while_it_lasts_and_given_back(script):
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
def test_only_one_gets_it():
    run = Run.objects.create(name="x")
    first = Lease(run.pk, run.name)
    first.acquire()
    with pytest.raises(ConfigurationError, match="another process works on the run 'x'"):
        Lease(run.pk, run.name).acquire()
    first.release()
    second = Lease(run.pk, run.name)
    second.acquire()
    second.release()


def test_a_connection_that_the_database_closed_is_opened_again(script, source):
    """As MySQL does to connections that were idle for eight hours."""
    arguments = ["--transformer_type", "xapi", *source, "--destination_provider", "LOGGER", "--log_to", "null"]
    failing = "[OperationalError('server has gone away')]"
    said = script(REPLAYING.format(arguments=[*arguments, "--run", "x"], failing=failing))
    assert said == "None True\n"


def test_a_database_that_is_gone_stops_the_run(script, source):
    arguments = ["--transformer_type", "xapi", *source, "--destination_provider", "LOGGER", "--log_to", "null"]
    failing = "[OperationalError('hunter2 at 10.0.0.1')] * 10"
    said = script(REPLAYING.format(arguments=[*arguments, "--run", "x"], failing=failing))
    assert "record the progress: the database of the ledger failed (OperationalError)" in said
    assert "hunter2" not in said


def test_without_its_tables_a_run_of_a_name_is_wrong_usage_and_any_other_goes_on(replay, into_files):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE log_replay_run RENAME TO elsewhere")
    with pytest.raises(ConfigurationError, match="migrate log_replay"):
        replay(*into_files, "--run", "x")
    report = replay(*into_files)
    assert report.complete
    assert report.run is None
