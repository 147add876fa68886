"""Dump objects with one of the two commands of the same name; print the exit code of each dump as a line of JSON.

Usage: dump_all.py ours|plugin DATABASE OBJECT... [-- ID_TO_SKIP...]
"""

import importlib
import json
import os
import sys

import django
from django.core.management import CommandError, call_command

django.setup()
command_owner, database, *rest = sys.argv[1:]
objects, ids_to_skip = (rest[: rest.index("--")], rest[rest.index("--") + 1 :]) if "--" in rest else (rest, [])
package = {"ours": "log_replay", "plugin": "platform_plugin_aspects"}[command_owner]
command = importlib.import_module(f"{package}.management.commands.dump_data_to_clickhouse").Command
options = {
    "url": os.environ["CLICKHOUSE_URL"],
    "username": "default",
    "password": os.environ["CLICKHOUSE_PASSWORD"],
    "database": database,
    "sleep_time": 0,
    "batch_size": 10,
}
for name in objects:
    skipped = ids_to_skip if name == "course_overviews" else []
    try:
        call_command(command(), object=name, ids_to_skip=skipped, **options)
        code = 0
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        code = error.returncode
    sys.stdout.write(json.dumps({name: code}) + "\n")
