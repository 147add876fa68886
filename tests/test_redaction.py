"""Secrets are kept out of messages and of the ledger; everything else stays readable."""

from __future__ import annotations

import pytest

from log_replay.redaction import masked, split_secrets, without_credentials

LRS = {"url": "https://lrs.example.com/xAPI", "token": "t0ken", "timeout_seconds": 3}


def test_values_of_settings_with_secret_names_are_secrets():
    kept, secrets = split_secrets("LRS", LRS)
    assert kept == {"url": LRS["url"], "timeout_seconds": 3}
    assert secrets == ["token"]


def test_key_is_a_folder_for_local_and_a_secret_elsewhere():
    assert split_secrets("LOCAL", {"key": "/logs"}) == ({"key": "/logs"}, [])
    assert split_secrets("S3", {"key": "AKIA"}) == ({}, ["key"])


def test_user_names_and_misspelt_settings_are_no_secrets():
    config = {"username": "replay", "contaner": "logs", "tenant_id": "t"}
    assert split_secrets("AZURE_BLOBS", config) == (config, [])


@pytest.mark.parametrize("name", ["password", "auth_key", "ex_force_auth_token", "credential_file", "passphrase"])
def test_settings_of_libcloud_with_secrets_are_recognised(name):
    assert split_secrets("OPENSTACK_SWIFT", {name: "x"}) == ({}, [name])


def test_reference_to_an_environment_variable_is_no_secret():
    assert split_secrets("LRS", {"password": "${LRS_PASSWORD}"}) == ({"password": "${LRS_PASSWORD}"}, [])


@pytest.mark.parametrize("url", ["https://ada:x@lrs/xAPI", "https://lrs/xAPI?key=x", "https://lrs/xAPI#x"])
def test_url_with_credentials_is_a_secret(url):
    assert split_secrets("LRS", {"url": url}) == ({}, ["url"])
    assert without_credentials(url) == "https://lrs/xAPI"
    assert masked(f"{url} fails", "LRS", {"url": url}) == "*** fails"


def test_secrets_are_masked_in_all_spellings():
    config = {"password": "s3cret\n'Grüße"}
    assert masked(f"not {config['password']}, and {config['password']!r}", "LRS", config) == 'not ***, and "***"'


def test_longer_secret_is_masked_before_one_that_it_contains():
    assert masked("hunter2 x", "S3", {"key": "hunter", "secret": "hunter2 x"}) == "***"


@pytest.mark.parametrize("secret", ["p", "pass", "123", "word"])
def test_secret_within_a_word_leaves_the_word_alone(secret):
    assert masked("the password is 12345", "LRS", {"password": secret}) == "the password is 12345"


def test_public_settings_are_not_masked():
    assert masked("no container logs at eu-west-1", "S3", {"container": "logs", "region": "eu-west-1"}).count("*") == 0
