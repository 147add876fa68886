"""Routes as ERB's router configuration describes them; what upstream makes of the same rows is the measure."""

from __future__ import annotations

import json

import pytest
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


def test_only_current_and_enabled_rows_count():
    configure("http://a", enabled=False)
    configure("http://b", enabled=True)
    configure("http://c", enabled=True)
    configure("http://c", enabled=False)
    configure("http://d", enabled=False)
    configure("http://d", enabled=True)
    assert urls() == ["http://b", "http://d"]


def test_a_row_is_for_one_kind_of_statement_however_it_is_spelt():
    configure("http://a", backend="xAPI")
    configure("http://b", backend="xapi")
    configure("http://c", backend="Caliper")
    configure("http://d", backend="caliper")
    assert (urls("xapi"), urls("caliper")) == (["http://a", "http://b"], ["http://c", "http://d"])


def test_no_enabled_route_says_what_to_do():
    configure(backend="Caliper")
    with pytest.raises(ConfigurationError, match=r"no route for xapi is enabled \(enable one"):
        opened("xapi")


def test_lrs_urls_restrict_the_routes(server):
    configure("http://a")
    configure(server.url)
    sink = opened(lrs_urls=[server.url])
    assert sink.deliver([event(xapi())]).delivered == 1


@pytest.mark.parametrize("url", ["http://missing", "http://disabled", "http://caliper"])
def test_an_lrs_url_that_is_no_enabled_route_is_named(url):
    configure("http://a")
    configure("http://disabled", enabled=False)
    configure("http://caliper", backend="Caliper")
    with pytest.raises(ConfigurationError, match=rf"no enabled route for {url} \(enabled: http://a\)"):
        opened(lrs_urls=["http://a", url])


def test_a_given_lrs_needs_no_router_configuration(server):
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


def test_headers_are_for_caliper_only(server):
    for backend, make in (("Caliper", caliper), ("xAPI", xapi)):
        configure(server.url, backend=backend, configurations={"headers": {"X-Sensor": "lms"}})
        opened(backend.lower()).deliver([event(make())])
    assert [asked.headers.get("X-Sensor") for asked in server.asked] == ["lms", None]


#: What operators could write, and what they would not dream of.
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
def test_match_params_let_pass_what_upstream_lets_pass(matches):
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
def test_override_args_change_what_upstream_changes(override):
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
        ({"match_params": {"name": "("}}, "match_params 'name' is no regular expression"),
        ({"match_params": {"name": ["ok", "["]}}, "match_params 'name' is no regular expression"),
        ({"override_args": {"x": float("nan")}}, "a number that JSON cannot spell"),
        ({"headers": {"X-Sensor": 3}}, "the header X-Sensor has a value that cannot be sent"),
        ({"headers": {"X-Sensor": "a\nb"}}, "the header X-Sensor has a value that cannot be sent"),
    ],
)
def test_a_configuration_that_cannot_work_is_found_by_the_check(configurations, message):
    configure(configurations=configurations, backend="Caliper")
    with pytest.raises(ConfigurationError, match=message):
        opened("caliper").check()


@pytest.mark.parametrize("configurations", [[{"match_params": {}}], "text", {"match_params": []}, {"override_args": 3}])
def test_a_configuration_of_another_shape_is_refused(configurations):
    configure(configurations=configurations)
    with pytest.raises(ConfigurationError, match=r"(is|are) no JSON object"):
        opened()


def test_a_row_written_with_another_key_is_an_error_of_configuration(settings):
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


def test_several_routes_are_all_asked_at_the_check(server):
    configure(server.url)
    configure(f"{server.url}/other")
    server.script = [LrsResponse(404)]
    opened().check()
    assert sorted(asked.path for asked in server.asked) == ["/xAPI/about", "/xAPI/other/about"]
