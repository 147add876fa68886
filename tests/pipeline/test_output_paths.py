"""Output options refuse paths that would destroy an input or a file of another program."""

from __future__ import annotations

import json
import os
import threading

import pytest

from log_replay.errors import ConfigurationError
from tests.support.runs import logs, replay, source

__all__ = ["logs", "replay", "source"]

LOGGER = ["--destination_provider", "LOGGER", "--log_to", "null"]


@pytest.mark.parametrize("option", ["--rejects", "--summary", "--log_to"])
def test_log_of_the_source_is_refused_as_output(replay, source, logs, option):
    before = (logs / "tracking.log").read_bytes()
    path = str(logs / "tracking.log")
    with pytest.raises(ConfigurationError, match=rf"{option} .*tracking\.log is a log of the source"):
        replay(*source, *LOGGER, option, f"file:{path}" if option == "--log_to" else path)
    assert (logs / "tracking.log").read_bytes() == before


@pytest.mark.parametrize("option", ["--rejects", "--summary", "--log_to"])
def test_file_of_another_program_is_refused_as_output(replay, source, tmp_path, option):
    path = tmp_path / "tracking.log"
    path.write_text('{"event_type": "play_video", "event_source": "browser", "event": "{}"}\n')
    with pytest.raises(ConfigurationError, match="this option has not written it"):
        replay(*source, *LOGGER, option, f"file:{path}" if option == "--log_to" else str(path))
    assert path.read_text().startswith('{"event_type"')


@pytest.mark.parametrize("log_format", ["raw", "json", "aspects"])
@pytest.mark.parametrize("kind", ["xapi", "caliper"])
def test_own_outputs_can_be_written_again(replay, source, tmp_path, kind, log_format):
    logged = ["--log_to", f"file:{tmp_path / 'statements'}", "--log_format", log_format, "--transformer_type", kind]
    where = [*source, "--destination_provider", "LOGGER", *logged, "--rejects", str(tmp_path / "rejects")]
    for _ in range(2):
        assert replay(*where).complete


def test_rejects_file_cannot_be_input_and_output(replay, source, tmp_path):
    path = tmp_path / "rejects"
    path.write_text('{"object": "tracking.log", "offset": 0}\n')
    with pytest.raises(ConfigurationError, match="is an input of this run"):
        replay(*source, *LOGGER, "--from_rejects", str(path), "--rejects", str(path))
    assert path.read_text()


def test_rejects_are_written_into_a_pipe(replay, source, tmp_path):
    path, received = tmp_path / "pipe", []
    os.mkfifo(path)
    thread = threading.Thread(target=lambda: received.extend(path.read_text().splitlines()))
    thread.start()
    report = replay(*source, *LOGGER, "--rejects", str(path), "--batch_size", "10", "--run", "x")
    thread.join()
    assert report.complete
    assert len(received) == report.rejects
    assert {"object", "offset"} <= json.loads(received[0]).keys()


def test_rejects_are_written_to_a_device(replay, source):
    assert replay(*source, *LOGGER, "--rejects", "/dev/null", "--batch_size", "10", "--run", "x").complete
