"""Runs in processes that kill themselves. ``tests.support.scenes.Driver`` starts this program and sends it commands.

The program imports everything once, and then forks for each command on stdin, so that a run starts quickly. A command
may name a seam and a call: just before or after that call, the process kills itself with SIGKILL.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from functools import wraps
from importlib import import_module
from pathlib import Path

import django
from django.core.management import CommandError, call_command

#: The functions before or after which a run can be killed, at any call.
SEAMS = {
    "create": "log_replay.ledger.database:DatabaseLedger._insert",
    "plan": "log_replay.ledger.stored_plan:unit_row",
    "claim": "log_replay.ledger.lease:Lease.acquire",
    "count": "log_replay.report:Report.count_block",
    "reject": "log_replay.report.rejects:RejectsFile.write",
    "log": "log_replay.pipeline.run:log_statements",
    "deliver to files": "log_replay.sinks.files.sink:FileSink.deliver",
    "deliver to an LRS": "log_replay.sinks.lrs.sink:LrsSink.deliver",
    "redeliver": "log_replay.sinks.lrs.sink:LrsSink.redeliver",
    "discard": "log_replay.sinks.discard:Discard.deliver",
    "write": "os:fsync",
    "rename": "pathlib:Path.replace",
    "put": "log_replay.sinks.files.bucket:Bucket._upload",
    "flush": "log_replay.pipeline.run:flush_statements",
    "record": "log_replay.ledger.database:do_all",
    "record, inside": "log_replay.ledger.database:DatabaseLedger._progress",
    "add to the backlog": "log_replay.ledger.backlog:add_entry",
    "update the backlog": "log_replay.ledger.backlog:update_entry",
    "finish files": "log_replay.sinks.files.sink:FileSink.close",
    "finish": "log_replay.ledger.database:DatabaseLedger.finish",
}
calls: Counter[str] = Counter()


def watch(seam: str, kill_before: int, kill_after: int) -> None:
    """Count the calls of a seam, and kill this process at one of them."""
    module, _, path = SEAMS[seam].partition(":")
    *owners, name = path.split(".")
    owner = import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    function = getattr(owner, name)

    @wraps(function)
    def watched(*args, **kwargs):
        calls[seam] += 1
        number = calls[seam]
        if number == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if number == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, watched)


def run(command: dict) -> int:
    """Run a management command on the database that it names, and return its exit code."""
    from django.db import connection

    connection.settings_dict["NAME"] = command["database"]
    for seam in SEAMS:
        kill = command["kill"] if command.get("kill", {}).get("seam") == seam else {}
        watch(seam, kill.get("before", 0), kill.get("after", 0))
    try:
        call_command(*command["arguments"])
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return error.returncode
    finally:
        Path(command["calls"]).write_text(json.dumps(calls), encoding="utf-8")
    return 0


def main() -> None:
    django.setup()
    import_module("log_replay.management.commands.replay_tracking_logs")
    for module in SEAMS.values():
        import_module(module.partition(":")[0])
    import_module("log_replay.sinks.lrs.sink")
    import_module("event_routing_backends.processors.xapi.transformer")
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if not child:
            with Path(command["log"]).open("ab", buffering=0) as log:
                os.dup2(log.fileno(), 2)
            code = 99
            try:
                code = run(command)
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
