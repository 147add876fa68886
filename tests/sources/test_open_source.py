"""From the options to a source."""

import subprocess
import sys

import pytest
from libcloud.storage.types import Provider

from log_replay.errors import ConfigurationError
from log_replay.sources import open_source

SECRET = "hush-this-is-the-secret"


@pytest.mark.parametrize(
    ("provider", "near"),
    [("s3", "S3"), ("Minio", "MINIO"), ("AZURE", "AZURE_BLOBS"), ("STDINN", "STDIN"), ("loca", "LOCAL")],
)
def test_an_unknown_provider_is_named_beside_what_may_have_been_meant(provider, near):
    with pytest.raises(ConfigurationError) as caught:
        open_source(provider, {"container": "logs"})
    assert repr(provider) in str(caught.value)
    assert near in caught.value.hint


def test_a_provider_like_no_other_gets_the_whole_list():
    with pytest.raises(ConfigurationError) as caught:
        open_source("QQQQQQ", {"container": "logs"})
    assert all(name in caught.value.hint for name in ("AZURE_BLOBS", "GOOGLE_STORAGE", "LOCAL", "MINIO", "S3", "STDIN"))


@pytest.mark.parametrize(
    ("provider", "config", "reason"),
    [
        ("MINIO", {"host": "files.example.com", "token": "t"}, "unexpected keyword argument 'token'"),
        ("MINIO", {}, "host argument is required"),
        ("S3", {"region": "atlantis-1"}, "atlantis-1"),
        ("S3", {"host": "s3.example.com", "port": SECRET}, "ValueError|invalid literal"),
    ],
)
def test_options_that_a_provider_does_not_take_are_named_and_secrets_are_not(provider, config, reason):
    with pytest.raises(ConfigurationError, match=reason) as caught:
        open_source(provider, {"key": "key", "secret": SECRET, "container": "logs", **config})
    assert provider in str(caught.value)
    assert SECRET not in str(caught.value)


def test_missing_credentials_are_a_clear_answer():
    with pytest.raises(ConfigurationError, match="missing 1 required positional argument: 'key'"):
        open_source("S3", {"container": "logs"})


@pytest.mark.parametrize("provider", sorted(name for name in vars(Provider) if name.isupper()))
def test_every_provider_of_libcloud_opens_or_says_what_it_lacks(provider, tmp_path):
    # Google's keys have a look of their own; its driver asks in a browser for any other.
    key = "GOOG0123456789ABCDEF" if provider == "GOOGLE_STORAGE" else str(tmp_path)
    config = {"key": key, "secret": "c2VjcmV0LXNlY3JldA==", "container": "logs"}
    if provider in {"DUMMY", "MINIO", "NIMBUS", "S3_RGW"}:
        with pytest.raises(ConfigurationError, match=f"the {provider} source does not take its options"):
            open_source(provider, config)
    elif provider in {"CLOUDFILES_SWIFT", "CLOUDFILES_UK", "CLOUDFILES_US", "S3_EU_WEST3"}:
        # Names without a driver.
        with pytest.raises(ConfigurationError, match=f"unknown source provider '{provider}'"):
            open_source(provider, config)
    else:
        open_source(provider, config)


def test_a_key_that_needs_a_browser_is_refused():
    with pytest.raises(ConfigurationError, match="unattended"):
        open_source("GOOGLE_STORAGE", {"key": "someone.apps.googleusercontent.com", "secret": "x", "container": "logs"})


def test_a_folder_or_a_pipe_does_without_libcloud():
    code = (
        "import sys; from log_replay.sources import open_source;"
        "open_source('LOCAL', {'key': '/', 'container': 'logs'}); open_source('STDIN', {});"
        "sys.exit('libcloud' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
