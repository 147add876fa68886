"""Statement ids are the same each time an event is replayed."""

from uuid import NAMESPACE_URL, UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from log_replay.statements.identifiers import Namespace, caliper_event_id

NAMESPACE = uuid5(NAMESPACE_URL, "https://openedx.org/log-replay/caliper-event")


@given(st.uuids(), st.text())
def test_a_uuid_is_equal_to_that_of_the_standard_library(namespace, name):
    ids = Namespace(namespace.bytes)
    assert ids.uuid(name.encode()) == str(uuid5(namespace, name))
    assert ids.uuid_bytes(name.encode()) == uuid5(namespace, name).bytes


@given(st.text())
def test_a_caliper_id_is_derived_from_its_line(line):
    assert caliper_event_id(line.encode()) == uuid5(NAMESPACE, line).urn


def test_several_events_of_one_line_have_different_ids():
    ids = [caliper_event_id(b"{}", index) for index in range(3)]
    assert len(set(ids)) == 3
    assert ids[1] == uuid5(NAMESPACE, "{}#1").urn
    assert {UUID(id_).version for id_ in ids} == {5}


def test_caliper_ids_never_change():
    assert caliper_event_id(b'{"name": "play_video"}') == "urn:uuid:284c7b2e-ec27-5a73-aeac-032ce2f679b0"
