"""A native function is used while upstream's code is what it was checked against, and at no other time."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import event_routing_backends
import pytest
import tincan
from event_routing_backends.processors.xapi.event_transformers.navigation_events import LinkClickedTransformer
from event_routing_backends.processors.xapi.registry import XApiTransformersRegistry
from event_routing_backends.processors.xapi.transformer import XApiTransformer

from log_replay.statements.native.certification import RELEASES, Certification, certified
from log_replay.statements.native.certify import certificates, fingerprints
from log_replay.statements.native.transforms import TRANSFORMS
from log_replay.statements.native.upstream_code import Sources, installed_sources

VIDEO_OBJECT = "event_routing_backends.processors.xapi.video_events.base_video.get_object"
ACTOR = "event_routing_backends.processors.xapi.transformer.xapi_transformer.get_actor"


@pytest.fixture
def copied(tmp_path):
    """Upstream's sources, to be changed."""
    for package in (event_routing_backends, tincan):
        source = Path(package.__file__).parent
        shutil.copytree(source, tmp_path / source.name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    return tmp_path


def change(copied, path, old, new):
    file = copied / path
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def objections(copied=None):
    """Return what speaks against each native function, by kind and event name."""
    roots = {name: copied / name for name in ("event_routing_backends", "tincan")} if copied else None
    sources = Sources(roots) if roots else None
    found = {
        (kind, name): Certification(kind, sources).fallback_reason(name)
        for kind in TRANSFORMS
        for name in TRANSFORMS[kind]
    }
    return {key: fallback_reason for key, fallback_reason in found.items() if fallback_reason}


def names_with(fallback_reason, found):
    assert set(found.values()) <= {fallback_reason}
    return set(found)


def test_every_event_of_upstreams_registries_has_a_native_function():
    for kind, makes in TRANSFORMS.items():
        assert Certification(kind).registry.keys() == makes.keys()


def test_all_are_certified_for_the_installed_upstream():
    assert objections() == {}


def test_one_changed_character_in_a_transformer_sends_exactly_its_event_through_upstream(copied):
    navigation = "event_routing_backends/processors/xapi/event_transformers/navigation_events.py"
    change(copied, navigation, "type=constants.XAPI_ACTIVITY_LINK\n", "type=constants.XAPI_ACTIVITY_LINk\n")
    assert names_with("fingerprint", objections(copied)) == {("xapi", "edx.ui.lms.link_clicked")}


def test_so_it_does_in_an_installation_that_is_changed(copied):
    navigation = "event_routing_backends/processors/xapi/event_transformers/navigation_events.py"
    change(
        copied,
        navigation,
        "xAPI transformer for event generated when user clicks",
        "xAPI transformer for event generated When user clicks",
    )
    script = """if True:
        import json, django
        django.setup()
        from log_replay.statements.native import NativeTransformer
        from log_replay.statements.upstream import UpstreamTransformer
        native = NativeTransformer(UpstreamTransformer("xapi"), "xapi")
        print(json.dumps({name: native.native_for(name)[1] for name in sorted(native.names)}))
    """
    environment = os.environ | {
        "PYTHONPATH": f"{copied}{os.pathsep}{Path(__file__).parents[3]}",
        "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings",
    }
    run = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True)
    transform_paths = json.loads(run.stdout.splitlines()[-1])
    assert {name: way for name, way in transform_paths.items() if way != "native"} == {
        "edx.ui.lms.link_clicked": "fingerprint"
    }


def test_a_changed_constant_counts_for_those_that_use_it(copied):
    change(copied, "event_routing_backends/processors/xapi/constants.py", "activities/link'", "activities/Link'")
    assert names_with("fingerprint", objections(copied)) == {("xapi", "edx.ui.lms.link_clicked")}


def test_a_changed_function_counts_for_those_that_call_it(copied):
    change(copied, "event_routing_backends/helpers.py", "return duration_isoformat(", "return  duration_isoformat(")
    videos = {("caliper", name) for name in TRANSFORMS["caliper"] if "video" in name or "transcript" in name}
    assert names_with("fingerprint", objections(copied)) == videos


def test_a_changed_base_counts_for_all_its_classes(copied):
    change(
        copied,
        "tincan/language_map.py",
        "class LanguageMap(dict, SerializableBase):",
        "class LanguageMap(dict, SerializableBase): #",
    )
    assert names_with("fingerprint", objections(copied)) == {("xapi", name) for name in TRANSFORMS["xapi"]}


def test_the_envelope_counts_for_caliper(copied):
    envelope = "event_routing_backends/processors/caliper/envelope_processor.py"
    change(copied, envelope, "'sensor': self.sensor_id", "'sensor': self.sensor_id + ''")
    assert names_with("fingerprint", objections(copied)) == {("caliper", name) for name in TRANSFORMS["caliper"]}


def test_what_no_transformer_uses_does_not_count(copied):
    change(copied, "event_routing_backends/helpers.py", "def backend_cache_ttl", "def backend_cache_ttl_seconds")
    init = copied / "event_routing_backends" / "__init__.py"
    init.write_text(init.read_text().replace(event_routing_backends.__version__, "9999.0"))
    assert objections(copied) == {}


def test_the_recorded_fingerprints_of_a_release_are_those_that_its_sources_have():
    """Or what is wrong would be taken for certified, or slowly found out again in each process."""
    for kind in TRANSFORMS:
        certification = Certification(kind)
        recorded = certified()[RELEASES][installed_sources().digest][kind]
        assert recorded == fingerprints(certification)


def test_a_changed_file_is_no_release_any_more(copied):
    roots = {name: copied / name for name in ("event_routing_backends", "tincan")}
    assert Sources(roots).digest in certified()[RELEASES]
    change(copied, "event_routing_backends/helpers.py", "def backend_cache_ttl", "def backend_cache_ttl_seconds")
    assert Sources(roots).digest not in certified()[RELEASES]


def test_without_sources_nothing_is_certified(tmp_path):
    assert set(objections(tmp_path).values()) == {"fingerprint"}


def test_a_transformer_of_a_third_party_is_used(monkeypatch):
    class Ours(LinkClickedTransformer):
        pass

    monkeypatch.setitem(XApiTransformersRegistry.mapping, "edx.ui.lms.link_clicked", Ours)
    assert objections() == {("xapi", "edx.ui.lms.link_clicked"): "third_party"}


def test_a_removed_transformer_is_missed_by_upstream_not_made_natively(monkeypatch):
    monkeypatch.delitem(XApiTransformersRegistry.mapping, "edx.ui.lms.link_clicked")
    assert objections() == {("xapi", "edx.ui.lms.link_clicked"): "third_party"}


def test_a_method_that_a_third_party_replaced_is_used(monkeypatch):
    monkeypatch.setattr(XApiTransformer, "get_timestamp", lambda self: "2026-03-02T08:15:27Z")
    assert names_with("third_party", objections()) == {("xapi", name) for name in TRANSFORMS["xapi"]}


def test_another_of_upstreams_transformers_is_used_through_upstream(monkeypatch):
    mapping = XApiTransformersRegistry.mapping
    monkeypatch.setitem(mapping, "edx.ui.lms.link_clicked", mapping["edx.ui.lms.outline.selected"])
    assert objections() == {("xapi", "edx.ui.lms.link_clicked"): "fingerprint"}


def test_a_configured_filter_counts_for_the_events_whose_methods_it_filters(settings):
    settings.OPEN_EDX_FILTERS_CONFIG = {VIDEO_OBJECT: {"pipeline": ["some.Step"], "fail_silently": False}}
    videos = {("xapi", name) for name in TRANSFORMS["xapi"] if "video" in name or "transcript" in name}
    assert names_with("filter", objections()) == videos


def test_a_filter_of_actors_counts_for_all_xapi_events_and_no_caliper_event(settings):
    settings.OPEN_EDX_FILTERS_CONFIG = {ACTOR: ["some.Step"]}
    assert names_with("filter", objections()) == {("xapi", name) for name in TRANSFORMS["xapi"]}


def test_other_filters_do_not_count(settings):
    settings.OPEN_EDX_FILTERS_CONFIG = {"org.openedx.learning.course.enrollment.started.v1": ["some.Step"], ACTOR: []}
    assert objections() == {}


def test_certifying_keeps_what_is_certified_of_other_versions():
    class Registry:
        def fingerprint(self, name):
            return {"a": "new", "b": "same", "c": "first"}[name]

    before = {"a": {"old": ["9.3.8", "10.1.0"]}, "b": {"same": ["10.1.0"]}, "gone": {"old": ["9.3.8"]}}
    assert certificates(Registry(), ["a", "b", "c"], before, "9.3.8") == {
        "a": {"old": ["10.1.0"], "new": ["9.3.8"]},
        "b": {"same": ["10.1.0", "9.3.8"]},
        "c": {"first": ["9.3.8"]},
    }
