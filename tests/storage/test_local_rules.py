"""Rules of LOCAL, the same for sources and destinations."""

import inspect

import pytest
from libcloud.storage.drivers.local import LocalStorageDriver

from log_replay.errors import ConfigurationError
from log_replay.sinks import open_sink
from log_replay.sources import open_source
from log_replay.storage.local import IGNORED_OPTIONS


def open_source_of(config):
    open_source("LOCAL", config)


def open_sink_of(config):
    open_sink("LOCAL", config, transformer_type="xapi", key="0123456789ab")


SIDES = pytest.mark.parametrize("open_side", [open_source_of, open_sink_of], ids=["source", "destination"])


@SIDES
def test_source_and_destination_accept_the_same_options(open_side, tmp_path):
    open_side({"key": str(tmp_path), "container": "logs", **dict.fromkeys(IGNORED_OPTIONS)})


@SIDES
def test_options_of_libclouds_local_driver_are_accepted(open_side, tmp_path):
    names = [
        name for name, each in inspect.signature(LocalStorageDriver).parameters.items() if each.kind != each.VAR_KEYWORD
    ]
    open_side({"container": "logs", **dict.fromkeys([*names, "ex_use_locking"]), "key": str(tmp_path)})


@SIDES
@pytest.mark.parametrize("more", [{"ex_use_locks": True}, {"prefx": "a"}])
def test_unknown_option_is_named(open_side, tmp_path, more):
    with pytest.raises(ConfigurationError, match=f"has no option {next(iter(more))}"):
        open_side({"key": str(tmp_path), "container": "logs", **more})


@SIDES
@pytest.mark.parametrize("container", ["logs/old", "..", ".", "/etc", "a\0b"])
def test_container_is_a_single_folder(open_side, tmp_path, container):
    with pytest.raises(ConfigurationError, match="is not a single name"):
        open_side({"key": str(tmp_path), "container": container})


@SIDES
@pytest.mark.parametrize("key", [None, "", 3])
def test_missing_key_is_refused(open_side, key):
    with pytest.raises(ConfigurationError, match="has no key"):
        open_side({"key": key, "container": "logs"})
