"""The command inside the LMS explains as it does outside, with the LMS's users, courses and routes."""

from __future__ import annotations

import json

import pytest

from tests.support.lms import Lms
from tests.support.paths import SAMPLE

LOG = SAMPLE / "tracking.log"
#: Offsets: four statements, an unknown user, an exception of upstream's code, and no event.
OFFSETS = (8266, 122539, 284100, 3391)
ADD_ROUTE = """
from event_routing_backends.models import RouterConfiguration
RouterConfiguration.objects.create(
    backend_name="xapi", enabled=True, route_url="https://lrs.example.com/xAPI", auth_scheme="Basic",
    username="user", password="hunter2", configurations={"match_params": {"context.org_id": "Other"}},
)
"""


REMOVE_ROUTE = """
from event_routing_backends.models import RouterConfiguration
RouterConfiguration.objects.all().delete()
"""


@pytest.fixture(scope="module")
def lms(tmp_path_factory) -> Lms:
    return Lms(tmp_path_factory.mktemp("lms"))


@pytest.fixture
def lms_with_route(lms):
    assert lms.manage("shell", "-c", ADD_ROUTE).returncode == 0
    yield lms
    assert lms.manage("shell", "-c", REMOVE_ROUTE).returncode == 0


def test_lines_are_explained_in_the_lms_as_outside(lms, shell):
    places = [f"{LOG}:{offset}" for offset in OFFSETS]
    inside = lms.manage("explain_tracking_log", *places)
    outside = shell("explain_tracking_log", *places)
    assert inside.returncode == outside.returncode == 3
    assert inside.stdout == outside.stdout.decode()
    assert inside.stdout.count("ENDS HERE") == 3
    assert inside.stderr.endswith("explain_tracking_log: 3 lines give no statement\n")


def test_a_rejects_file_of_the_lms_is_explained_with_its_routes(lms_with_route, tmp_path):
    rejects = tmp_path / "rejects.jsonl"
    rejects.write_text(json.dumps({"object": str(LOG), "offset": 8266, "reason": "worker_died", "event": None}) + "\n")
    done = lms_with_route.manage("explain_tracking_log", "--from_rejects", str(rejects))
    assert done.returncode == 0, done.stderr
    assert "https://lrs.example.com/xAPI: would not get it, since match_params say no: context.org_id" in done.stdout
    assert "(worker_died), which gives statements here" in done.stdout
    assert "hunter2" not in done.stdout
