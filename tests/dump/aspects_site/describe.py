"""Print as JSON which app owns each command, and the options of the two commands with the same name."""

import argparse
import importlib
import json
import sys

import django
from django.core.management import get_commands

django.setup()
commands = {name: app for name, app in get_commands().items() if name.startswith("dump_")}
options = {}
for package in ("log_replay", "platform_plugin_aspects"):
    module = importlib.import_module(f"{package}.management.commands.dump_data_to_clickhouse")
    parser = argparse.ArgumentParser()
    module.Command().add_arguments(parser)
    options[package] = {
        option: [action.nargs, str(action.default or None), type(action).__name__]
        for action in parser._actions
        for option in action.option_strings
    }
sys.stdout.write(json.dumps({"commands": commands, "options": options}))
