"""Open a source from its options."""

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
def test_unknown_provider_is_named_with_similar_names(provider, near):
    with pytest.raises(ConfigurationError) as caught:
        open_source(provider, {"container": "logs"})
    assert repr(provider) in str(caught.value)
    assert near in caught.value.hint


def test_provider_without_similar_names_gets_all_names():
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
def test_unsupported_options_are_named_without_secrets(provider, config, reason):
    with pytest.raises(ConfigurationError, match=reason) as caught:
        open_source(provider, {"key": "key", "secret": SECRET, "container": "logs", **config})
    assert provider in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("given", "missing"), [({}, "key"), ({"key": "k"}, "secret"), ({"secret": SECRET}, "key")])
@pytest.mark.parametrize("provider", ["S3", "MINIO"])
def test_missing_credentials_are_named(provider, given, missing):
    with pytest.raises(ConfigurationError, match=f"the {provider} source has no {missing}"):
        open_source(provider, {"container": "logs", "host": "127.0.0.1", **given})


@pytest.mark.parametrize("container", ["../logs", "logs/old", "..", "a\0b"])
def test_container_is_a_single_name(container):
    with pytest.raises(ConfigurationError, match="is not a single name"):
        open_source("S3", {"key": "k", "secret": SECRET, "container": container})


@pytest.mark.parametrize("provider", sorted(name for name in vars(Provider) if name.isupper()))
def test_every_libcloud_provider_opens_or_names_the_problem(provider, tmp_path):
    # With a key that is not in Google's format, the driver opens a browser.
    key = "GOOG0123456789ABCDEF" if provider == "GOOGLE_STORAGE" else str(tmp_path)
    config = {"key": key, "secret": "c2VjcmV0LXNlY3JldA==", "container": "logs"}
    if provider in {"DUMMY", "MINIO", "NIMBUS", "S3_RGW"}:
        with pytest.raises(ConfigurationError, match=f"the {provider} source does not accept its options"):
            open_source(provider, config)
    elif provider in {"CLOUDFILES_SWIFT", "CLOUDFILES_UK", "CLOUDFILES_US", "S3_EU_WEST3"}:
        # libcloud has these names, but no drivers for them.
        with pytest.raises(ConfigurationError, match=f"unknown source provider '{provider}'"):
            open_source(provider, config)
    else:
        open_source(provider, config)


def test_key_that_needs_a_browser_is_refused():
    with pytest.raises(ConfigurationError, match="does not work without a browser"):
        open_source("GOOGLE_STORAGE", {"key": "someone.apps.googleusercontent.com", "secret": "x", "container": "logs"})


def test_local_and_stdin_do_not_import_libcloud():
    code = (
        "import sys; from log_replay.sources import open_source;"
        "open_source('LOCAL', {'key': '/', 'container': 'logs'}); open_source('STDIN', {});"
        "sys.exit('libcloud' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
