"""Routes of ERB's router configuration, compared with upstream's own use of the same rows."""

from __future__ import annotations

import json

import pytest
import structlog
from event_routing_backends.backends.events_router import EventsRouter
from event_routing_backends.models import RouterConfiguration
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_replay.errors import ConfigurationError
from log_replay.sinks import open_sink
from log_replay.sinks.lrs.routes import enabled_routes
from tests.support.scripted_server import LrsResponse
from tests.support.statement_batches import caliper, event, xapi

pytestmark = pytest.mark.django_db

FIELDS = {"name": "some.event", "data": {"key": "value", "number": 3}, "context": {"org_id": "ExampleX"}}


def configure(url: str = "http://lrs.example.com/xAPI", *, enabled: bool = True, backend: str = "xAPI", **more):
    row = RouterConfiguration(route_url=url, enabled=enabled, backend_name=backend, **more)
    row.save()
    return row


def opened(transformer_type: str = "xapi", *, config=(), lrs_urls=None):
    return open_sink("LRS", dict(config), transformer_type=transformer_type, key="0" * 12, lrs_urls=lrs_urls)


def urls(transformer_type: str = "xapi") -> list[str]:
    return sorted(route.url for route in enabled_routes(transformer_type))


def test_routes_are_the_current_and_enabled_rows():
    configure("http://a", enabled=False)
    configure("http://b", enabled=True)
    configure("http://c", enabled=True)
    configure("http://c", enabled=False)
    configure("http://d", enabled=False)
    configure("http://d", enabled=True)
    assert urls() == ["http://b", "http://d"]


def test_backend_name_is_not_case_sensitive():
    configure("http://a", backend="xAPI")
    configure("http://b", backend="xapi")
    configure("http://c", backend="Caliper")
    configure("http://d", backend="caliper")
    assert (urls("xapi"), urls("caliper")) == (["http://a", "http://b"], ["http://c", "http://d"])


def test_no_enabled_route_is_an_error_with_a_hint():
    configure(backend="Caliper")
    with pytest.raises(ConfigurationError, match=r"no route for xapi is enabled \(enable one"):
        opened("xapi")


def test_no_enabled_route_inside_an_lms_leaves_the_loggers(settings):
    settings.LOG_REPLAY_STANDALONE = False
    configure(backend="Caliper")
    with structlog.testing.capture_logs() as logged:
        sink = opened("xapi")
    sink.check()
    assert (sink.routing, sink.deliver([event(xapi())]).delivered) == (None, 1)
    (warning,) = logged
    assert (warning["log_level"], warning["logger"]) == ("warning", "xapi_tracking")
    assert "the loggers are the only destination" in warning["event"]


def test_lrs_urls_select_routes(server):
    configure("http://a")
    configure(server.url)
    sink = opened(lrs_urls=[server.url])
    assert sink.deliver([event(xapi())]).delivered == 1


@pytest.mark.parametrize("url", ["http://missing", "http://disabled", "http://caliper"])
def test_lrs_url_without_an_enabled_route_is_an_error(url):
    configure("http://a")
    configure("http://disabled", enabled=False)
    configure("http://caliper", backend="Caliper")
    with pytest.raises(ConfigurationError, match=rf"no enabled route for {url} \(enabled: http://a\)"):
        opened(lrs_urls=["http://a", url])


def test_given_lrs_needs_no_router_configuration(server):
    assert opened(config={"url": server.url}).deliver([event(xapi())]).delivered == 1


@pytest.mark.parametrize(
    ("row", "header"),
    [
        ({"auth_scheme": "Basic", "username": "ada", "password": "pass"}, "Basic YWRhOnBhc3M="),
        ({"auth_scheme": "Basic", "username": "ada"}, None),
        ({"auth_scheme": "Bearer", "auth_key": "t0ken"}, "Bearer t0ken"),
        ({"auth_scheme": "Bearer", "auth_key": ""}, None),
        ({"username": "ada", "password": "pass"}, None),
    ],
)
def test_credentials_are_those_of_the_row(server, row, header):
    configure(server.url, **row)
    opened().deliver([event(xapi())])
    assert server.asked[0].headers.get("Authorization") == header


def test_headers_of_a_row_are_for_caliper_only(server):
    for backend, make in (("Caliper", caliper), ("xAPI", xapi)):
        configure(server.url, backend=backend, configurations={"headers": {"X-Sensor": "lms"}})
        opened(backend.lower()).deliver([event(make())])
    assert [asked.headers.get("X-Sensor") for asked in server.asked] == ["lms", None]


#: Plausible values, and unusual ones.
EXPRESSIONS = st.one_of(st.sampled_from(["", "val", "^value$", "nothing", "3", ".*", "Example[A-Z]"]), st.integers())
MATCHES = st.dictionaries(
    st.sampled_from(["name", "data", "data.key", "data.number", "data.key.0", "context.org_id", "no.such", ""]),
    st.one_of(EXPRESSIONS, st.lists(EXPRESSIONS, max_size=3)),
    max_size=3,
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(matches=st.lists(MATCHES, min_size=1, max_size=3))
def test_match_params_accept_the_same_events_as_upstream(matches):
    RouterConfiguration.objects.all().delete()
    rows = [
        configure(f"http://lrs/{number}", configurations={"match_params": match})
        for number, match in enumerate(matches)
    ]
    upstream = {row.route_url for row in rows if row.get_allowed_host(FIELDS)}
    matcher = opened().routing.matcher()
    matching = matcher(FIELDS) if matcher else {row.route_url for row in rows}
    assert set(matching) == upstream


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    override=st.dictionaries(
        st.sampled_from(["id", "actor", "verb", "new", "sensor", "data"]),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4),
        max_size=3,
    )
)
def test_override_args_change_the_same_fields_as_upstream(override):
    RouterConfiguration.objects.all().delete()
    row = configure(configurations={"override_args": override})
    host = row.get_allowed_host(FIELDS)
    (route,) = enabled_routes("xapi")
    for statement in (xapi(), caliper()):
        upstream = EventsRouter().overwrite_event_data(json.loads(statement.text), host, "some.event")
        assert json.loads(route.text(statement)) == upstream


@pytest.mark.parametrize(
    ("configurations", "message"),
    [
        ({"match_params": {"name": "("}}, "match_params 'name' is not a regular expression"),
        ({"match_params": {"name": ["ok", "["]}}, "match_params 'name' is not a regular expression"),
        ({"override_args": {"x": float("nan")}}, "a number that JSON does not have"),
        ({"headers": {"X-Sensor": 3}}, "the header X-Sensor has an invalid value"),
        ({"headers": {"X-Sensor": "a\nb"}}, "the header X-Sensor has an invalid value"),
    ],
)
def test_check_reports_invalid_configurations(configurations, message):
    configure(configurations=configurations, backend="Caliper")
    with pytest.raises(ConfigurationError, match=message):
        opened("caliper").check()


@pytest.mark.parametrize("configurations", [[{"match_params": {}}], "text", {"match_params": []}, {"override_args": 3}])
def test_configurations_must_be_json_objects(configurations):
    configure(configurations=configurations)
    with pytest.raises(ConfigurationError, match=r"(is|are) not a JSON object"):
        opened()


def test_row_encrypted_with_another_key_is_an_error(settings):
    configure(auth_key="t0ken")
    field = RouterConfiguration._meta.get_field("auth_key")
    keys = {name: vars(field).pop(name, None) for name in ("keys", "fernet_keys", "fernet")}
    settings.FERNET_KEYS = ["another key"]
    try:
        with pytest.raises(ConfigurationError, match=r"InvalidToken.*FERNET_KEYS"):
            opened()
    finally:
        for name in keys:
            vars(field).pop(name, None)


def test_check_asks_every_route(server):
    configure(server.url)
    configure(f"{server.url}/other")
    server.script = [LrsResponse(404)]
    opened().check()
    assert sorted(asked.path for asked in server.asked) == ["/xAPI/about", "/xAPI/other/about"]
