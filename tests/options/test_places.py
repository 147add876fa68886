"""SOURCES and ``--to`` are translated to providers and configurations, and never hold a credential."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.errors import ConfigurationError
from log_replay.ledger.run_configuration import stored_command
from log_replay.options import options_from, read_options
from log_replay.options.places import destination_place
from log_replay.options.urls import SCHEMES, parse_url

PASSWORD = "hunter2-the-password"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": PASSWORD, "AWS_REGION": "eu-west-1",
    "MINIO_ROOT_USER": "root", "MINIO_SECRET_KEY": PASSWORD,
    "GS_ACCESS_KEY_ID": "GOOG1", "GS_SECRET_ACCESS_KEY": PASSWORD,
    "AZURE_STORAGE_ACCOUNT": "account", "AZURE_STORAGE_KEY": PASSWORD, "LRS_PASSWORD": PASSWORD,
    "CLICKHOUSE_PASSWORD": PASSWORD,
}  # fmt: skip
VARIABLES = {name for row in SCHEMES.values() for names in row.variables.values() for name in names}


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def read(*sources: str, short: bool = True, **given):
    given = {"transformer_type": "xapi", "destination_provider": None, **given}
    return read_options({"sources": list(sources), **given}, short=short)


BUCKET = {"container": "b", "prefix": "p/q"}


@pytest.mark.parametrize(
    ("to", "provider", "config"),
    [
        ("stdout", "LOGGER", {}),
        ("clickhouse", "CLICKHOUSE", {}),
        ("lrs", "LRS", {}),
        ("/data/out/", "LOCAL", {"key": "/data", "container": "out"}),
        ("s3://b/p/q", "S3", {**BUCKET, "key": "id", "secret": PASSWORD, "region": "eu-west-1"}),
        ("S3://b/p/q?region=x", "S3", {**BUCKET, "key": "id", "secret": PASSWORD, "region": "x"}),
        ("minio://h:9000/b/p/q?secure=no", "MINIO",
         {**BUCKET, "key": "root", "secret": PASSWORD, "host": "h", "port": 9000, "secure": False}),
        ("gs://b/p/q", "GOOGLE_STORAGE", {**BUCKET, "key": "GOOG1", "secret": PASSWORD}),
        ("az://b/p/q", "AZURE_BLOBS", {**BUCKET, "key": "account", "secret": PASSWORD}),
        ("clickhouse://me@h:8443/db", "CLICKHOUSE",
         {"url": "https://h:8443", "username": "me", "password": PASSWORD, "database": "db"}),
        ("clickhouse://h:8123?table=t", "CLICKHOUSE", {"url": "http://h:8123", "password": PASSWORD, "table": "t"}),
        ("clickhouse://[::1]", "CLICKHOUSE", {"url": "https://[::1]:8443", "password": PASSWORD}),
        ("https://me@lrs/data/xAPI", "LRS",
         {"url": "https://lrs/data/xAPI", "username": "me", "password": PASSWORD}),
    ],
)  # fmt: skip
def test_destination_is_translated(to, provider, config):
    assert destination_place(to, {}) == (provider, config)


def test_settings_of_the_configuration_replace_the_environment(tmp_path):
    (tmp_path / "s3.json").write_text(json.dumps({"key": "other", "secret": "x" * 9}))
    options = read("s3://b/p", source_config="@s3.json", to="out", destination_config='{"compression": "gzip"}')
    (place,) = options.source.config["places"]
    assert place["config"]["key"] == "other"
    assert options.destination.config == {"key": str(tmp_path), "container": "out", "compression": "gzip"}


def test_stored_command_resumes_elsewhere_without_secrets(monkeypatch, tmp_path):
    options = read("logs/a.log", "./more*", "s3://b/p", to="out")
    stored = json.loads(json.dumps(stored_command(options.given)))
    assert PASSWORD not in json.dumps(stored)
    assert "withheld" not in stored
    monkeypatch.chdir("/")
    again = options_from(stored)
    assert (again.source, again.destination, again.key) == (options.source, options.destination, options.key)
    assert again.source.config["base"] == str(tmp_path)


def test_other_sources_do_not_change_the_names_of_outputs(tmp_path):
    assert read("a.log", to="out").key == read("a.log", "b.log", to="out").key
    (tmp_path / "other").mkdir()
    assert read("a.log", to="out").key != read("a.log", base="other", to="out").key


def test_a_short_verb_logs_to_stdout_without_a_destination():
    assert read("a").destination.provider == "LOGGER"
    assert read("a").log_to == "stdout"
    assert read("a", short=False).destination.provider == "LRS"
    assert read("a", destination_config='{"url": "http://lrs"}').destination.provider == "LRS"
    assert read("a", destination_provider="CLICKHOUSE").destination.provider == "CLICKHOUSE"


def test_stdout_is_the_log_inside_the_lms_too(settings):
    settings.LOG_REPLAY_STANDALONE = False
    assert read("a", short=False, to="stdout").log_to == "stdout"
    assert read("a", short=False, destination_provider="LOGGER").log_to == "settings"


@pytest.mark.parametrize(
    ("sources", "remote"), [(["a", "b*"], False), (["-"], False), (["a", "s3://b"], True), (["minio://h/b"], True)]
)
def test_a_source_is_remote_if_any_of_it_is_in_a_bucket(sources, remote):
    assert read(*sources).source.is_remote == remote


@pytest.mark.parametrize(
    ("sources", "given", "said"),
    [
        ([], {}, "there is no source .*name a file"),
        ([], {"course": ["x", "s3://b"]}, "--course takes all values that follow it"),
        (["a"], {"source_provider": "LOCAL"}, "given twice"),
        (["a"], {"to": "out", "destination_provider": "LRS"}, "--to and --destination_provider"),
        (["a"], {"to": "stdout", "log_to": "null"}, "--to stdout and --log_to"),
        (["a"], {"source_config": '{"key": "x"}'}, "--source_config has no effect"),
        (["-"], {"base": "/x", "source_config": '{"key": "x"}'}, None),
        (["ftp://x/y"], {}, "ftp:// is unknown .*s3://"),
        (["s4://x/y"], {}, r"did you mean s3://\?"),
        (["https://x/y"], {}, "https:// is only a destination"),
        (["s3:///p"], {}, "has no bucket .*s3://BUCKET/PREFIX"),
        (["az://"], {}, "has no container"),
        (["minio://h:9"], {}, "has no bucket"),
        (["clickhouse://h/db"], {}, "names no table .*DATABASE/TABLE"),
        (["clickhouse:///db/t"], {}, "no valid host"),
        (["minio://h:port/b"], {}, "no valid host"),
        (["s3://me@b/p"], {}, "has a user"),
        (["clickhouse://h/db/t"], {"to": "clickhouse", "tracking": True}, "--tracking would store again"),
        ([], {"source_provider": "CLICKHOUSE", "to": "clickhouse", "tracking": True}, "--tracking would store again"),
        (["a"], {"to": "/"}, "not a folder for statements"),
        (["a"], {"to": "clickhouse:///db"}, "no valid host"),
        ([], {"base": "x", "source_provider": "STDIN"}, "--base has no effect without a SOURCE"),
    ],
)
def test_wrong_places_are_refused_with_a_hint(sources, given, said):
    if said is None:
        assert read(*sources, **given).source.provider == "STDIN"
        return
    with pytest.raises(ConfigurationError, match=said):
        read(*sources, **given)


@pytest.mark.parametrize(
    "url",
    [
        f"s3://id:{PASSWORD}@b/p", f"s3://id:a/{PASSWORD}@b/p", f"https://me:{PASSWORD}@lrs/xAPI",
        f"clickhouse://me:{PASSWORD}@h:8443/db", f"s3://b/p?secret={PASSWORD}", f"https://lrs/xAPI?token={PASSWORD}",
        f"https://me:@{PASSWORD}@lrs/xAPI", f"ftp://me:{PASSWORD}@h", f"minio://h/b?aws_key={PASSWORD}",
    ],
)  # fmt: skip
def test_a_credential_in_a_url_is_refused_and_not_repeated(url):
    with pytest.raises(ConfigurationError) as caught:
        read("a", to=url)
    assert PASSWORD not in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        read(url)
    assert PASSWORD not in str(caught.value)


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=8),
    st.sampled_from(["s3://{}b/p", "minio://{}h:9000/b", "gs://{}b", "https://{}lrs/xAPI", "clickhouse://{}h:8443/db"]),
    st.sampled_from(["id:", "", "1:"]),
)
def test_no_password_in_a_url_is_accepted_or_repeated(password, form, user):
    """A password with a slash looks like a path; it is refused, unless it cannot be told from a port and a path."""
    url = form.format(f"{user or 'me:'}{password}@")
    with pytest.raises(ConfigurationError) as caught:
        parse_url(url, "destination")
    assert password not in str(caught.value)
    assert "contains a password" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["s3://b/a:b@c", "s3://b/x?y=1", "minio://h:9/b/x@y", "minio://[::1]:9/b/x", "s3://b/x@y"]
)
def test_odd_names_in_a_bucket_are_no_credentials(url):
    assert read(url).source.provider == "PATHS"


@pytest.mark.parametrize("scheme", ["s3", "minio", "gs", "az"])
def test_missing_credentials_name_their_variables(scheme, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    row = SCHEMES[scheme]
    with pytest.raises(ConfigurationError) as caught:
        read(row.form.lower().replace("host:port", "host:9"))
    assert all(row.variables[name][0] in str(caught.value) for name in row.required)


def test_service_account_is_read_from_its_file(monkeypatch, tmp_path):
    monkeypatch.delenv("GS_ACCESS_KEY_ID")
    monkeypatch.delenv("GS_SECRET_ACCESS_KEY")
    account = Path(tmp_path / "account.json")
    account.write_text(json.dumps({"client_email": "replay@example.iam.gserviceaccount.com", "private_key": "..."}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    assert destination_place("gs://b/p", {})[1] == {
        "key": "replay@example.iam.gserviceaccount.com", "secret": str(account), "container": "b", "prefix": "p"
    }  # fmt: skip
    account.write_text("{}")
    with pytest.raises(ConfigurationError, match="service account"):
        destination_place("gs://b/p", {})
