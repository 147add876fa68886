"""The plugin's hooks: Tutor imports this module when the plugin is enabled."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from typing import Any

from tutor import hooks

from tutorlogreplay.commands import with_our_commands
from tutorlogreplay.settings import DEFAULTS, derived_password, option_file_text, sql_name, sql_text

IMAGE = "{{ LOG_REPLAY_DOCKER_IMAGE }}"
_FILES = resources.files("tutorlogreplay")
_BUILD = ("plugins", "log-replay", "build", "log-replay")

hooks.Filters.CONFIG_DEFAULTS.add_items(list(DEFAULTS.items()))
hooks.Filters.ENV_TEMPLATE_FILTERS.add_items(
    [
        ("log_replay_password", derived_password),
        ("log_replay_sql_text", sql_text),
        ("log_replay_sql_name", sql_name),
        ("log_replay_option_file", option_file_text),
    ]
)
hooks.Filters.ENV_TEMPLATE_ROOTS.add_item(str(_FILES / "templates"))
hooks.Filters.ENV_TEMPLATE_TARGETS.add_items([("log-replay/build", "plugins"), ("log-replay/apps", "plugins")])
for patch in (_FILES / "patches").iterdir():
    hooks.Filters.ENV_PATCHES.add_item((patch.name, patch.read_text(encoding="utf-8")))
hooks.Filters.IMAGES_BUILD.add_item(("log-replay", _BUILD, IMAGE, ()))
hooks.Filters.IMAGES_PULL.add_item(("log-replay", IMAGE))
hooks.Filters.IMAGES_PUSH.add_item(("log-replay", IMAGE))
# After the LMS's own tasks, which create the tables of external ids.
hooks.Filters.CLI_DO_INIT_TASKS.add_item(
    ("log-replay-database", "exec sh /log-replay-database/create.sh"), priority=hooks.priorities.LOW
)
# After all other plugins have added theirs: of two commands with one name, the last would win by the plugins' names.
hooks.Filters.CLI_DO_COMMANDS.add(priority=hooks.priorities.LOW)(with_our_commands)


def _remove_files(plugin: str, root: str, _config: Any) -> None:
    """Remove the rendered files of this plugin, which have secrets, when it is disabled."""
    if plugin == "log-replay":
        shutil.rmtree(Path(root) / "env" / "plugins" / plugin, ignore_errors=True)


# Tutor forgets which files a plugin has before it would remove them, so they would stay.
hooks.Actions.PLUGIN_UNLOADED.add(priority=hooks.priorities.HIGH - 1)(_remove_files)
