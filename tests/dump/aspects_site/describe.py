"""Prints the options of both commands of the same name, as JSON."""

import argparse
import importlib
import json
import sys

import django

django.setup()
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
sys.stdout.write(json.dumps(options))
