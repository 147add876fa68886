"""Replay into LRSs with quick retries and print the report: ``python -m tests.support.lrs_run``."""

from __future__ import annotations

import json
import os
import sys

#: A route whose LRS responds with 503 twice is unavailable until the end of the run.
RETRIES = 1


def main(arguments: list[str]) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "log_replay.standalone.settings")
    django.setup()

    from log_replay.pipeline.run import Replay
    from log_replay.report.progress import ProgressLog
    from log_replay.retry import RetryPolicy
    from log_replay.sinks.lrs.routes import enabled_routes
    from log_replay.sinks.lrs.sink import LrsSink
    from log_replay.statement_log import configure_own_log
    from tests.support.runs import parsed

    configure_own_log()
    options = parsed(arguments)
    sink = LrsSink(
        enabled_routes(options.transformer_type),
        transformer_type=options.transformer_type,
        retry_policy=RetryPolicy(retries=RETRIES, first_delay_seconds=0.001),
    )
    report = Replay(options, sink).replay(ProgressLog())
    sys.stdout.write(json.dumps(report.as_dict()))


if __name__ == "__main__":
    main(sys.argv[1:])
