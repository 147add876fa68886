"""An event is transformed natively only if upstream's code for it is the certified code."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import event_routing_backends
import pytest
import tincan
from event_routing_backends.processors.xapi.event_transformers.navigation_events import LinkClickedTransformer
from event_routing_backends.processors.xapi.registry import XApiTransformersRegistry
from event_routing_backends.processors.xapi.transformer import XApiTransformer

from log_replay.statements.native.certification import RELEASES, Certification, certified, name_of
from log_replay.statements.native.certify import certificates
from log_replay.statements.native.transforms import TRANSFORMS
from log_replay.statements.native.upstream_code import UpstreamCode, installed_upstream_code

PACKAGES = ("event_routing_backends", "tincan")
NAVIGATION_EVENTS = "event_routing_backends/processors/xapi/event_transformers/navigation_events.py"
VIDEO_OBJECT = "event_routing_backends.processors.xapi.video_events.base_video.get_object"
ACTOR = "event_routing_backends.processors.xapi.transformer.xapi_transformer.get_actor"
LINK_CLICKED = ("xapi", "edx.ui.lms.link_clicked")


@pytest.fixture
def code_copy(tmp_path):
    """A copy of upstream's code, for changes."""
    for package in (event_routing_backends, tincan):
        source = Path(package.__file__).parent
        shutil.copytree(source, tmp_path / source.name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    return tmp_path


def change(code_copy, path, old, new):
    file = code_copy / path
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def copied_code(code_copy):
    return UpstreamCode({name: code_copy / name for name in PACKAGES})


def fallback_reasons(code_copy=None):
    """Return the fallback reasons of all events that have one, by transformer type and event name."""
    code = copied_code(code_copy) if code_copy else None
    return {
        (type_, name): reason
        for type_, transforms in TRANSFORMS.items()
        for name in transforms
        if (reason := Certification(type_, code).fallback_reason(name))
    }


def events_with(reason, reasons):
    """Return the events with a fallback reason, which must all be the same."""
    assert set(reasons.values()) <= {reason}
    return set(reasons)


def all_events(transformer_type):
    return {(transformer_type, name) for name in TRANSFORMS[transformer_type]}


def video_events(transformer_type):
    return {event for event in all_events(transformer_type) if "video" in event[1] or "transcript" in event[1]}


def test_each_event_of_upstreams_registries_has_a_transform():
    for type_, transforms in TRANSFORMS.items():
        assert Certification(type_).registry.keys() == transforms.keys()


def test_all_events_are_certified_for_the_installed_upstream():
    assert fallback_reasons() == {}


def test_a_changed_transformer_falls_back_for_its_event_only(code_copy):
    change(code_copy, NAVIGATION_EVENTS, "type=constants.XAPI_ACTIVITY_LINK\n", "type=constants.XAPI_ACTIVITY_LINk\n")
    assert events_with("fingerprint", fallback_reasons(code_copy)) == {LINK_CLICKED}


def test_a_changed_installation_falls_back_for_its_event_only(code_copy):
    docstring = "xAPI transformer for event generated when user clicks"
    change(code_copy, NAVIGATION_EVENTS, docstring, docstring.replace("when", "When"))
    script = """if True:
        import json, django
        django.setup()
        from log_replay.statements.native import NativeTransformer
        from log_replay.statements.upstream import UpstreamTransformer
        native = NativeTransformer(UpstreamTransformer("xapi"), "xapi")
        print(json.dumps({name: native.native_for(name)[1] for name in sorted(native.names)}))
    """
    environment = os.environ | {
        "PYTHONPATH": f"{code_copy}{os.pathsep}{Path(__file__).parents[3]}",
        "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings",
    }
    run = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True)
    paths = json.loads(run.stdout.splitlines()[-1])
    assert {name: path for name, path in paths.items() if path != "native"} == {LINK_CLICKED[1]: "fingerprint"}


def test_a_changed_constant_affects_the_events_that_use_it(code_copy):
    change(code_copy, "event_routing_backends/processors/xapi/constants.py", "activities/link'", "activities/Link'")
    assert events_with("fingerprint", fallback_reasons(code_copy)) == {LINK_CLICKED}


def test_a_changed_function_affects_the_events_that_call_it(code_copy):
    change(code_copy, "event_routing_backends/helpers.py", "return duration_isoformat(", "return  duration_isoformat(")
    assert events_with("fingerprint", fallback_reasons(code_copy)) == video_events("caliper")


def test_a_changed_base_class_affects_all_its_classes(code_copy):
    class_line = "class LanguageMap(dict, SerializableBase):"
    change(code_copy, "tincan/language_map.py", class_line, f"{class_line} #")
    assert events_with("fingerprint", fallback_reasons(code_copy)) == all_events("xapi")


def test_a_changed_envelope_affects_all_caliper_events(code_copy):
    envelope = "event_routing_backends/processors/caliper/envelope_processor.py"
    change(code_copy, envelope, "'sensor': self.sensor_id", "'sensor': self.sensor_id + ''")
    assert events_with("fingerprint", fallback_reasons(code_copy)) == all_events("caliper")


def test_changed_code_of_no_transformer_affects_no_event(code_copy):
    change(code_copy, "event_routing_backends/helpers.py", "def backend_cache_ttl", "def backend_cache_ttl_seconds")
    init = code_copy / "event_routing_backends" / "__init__.py"
    init.write_text(init.read_text().replace(event_routing_backends.__version__, "9999.0"))
    assert fallback_reasons(code_copy) == {}


def test_recorded_fingerprints_of_the_release_are_correct():
    """A process uses the recorded fingerprints instead of computing them, so an error would stay unnoticed."""
    release = certified()[RELEASES][installed_upstream_code().digest]
    assert release == event_routing_backends.__version__
    for type_, transforms in TRANSFORMS.items():
        certification = Certification(type_)
        recorded = {
            (fingerprint, certificate["transformer"], name)
            for fingerprint, certificate in certification.certificates.items()
            if release in certificate["releases"]
            for name in certificate["events"]
        }
        registry = certification.registry
        assert recorded == {(certification.fingerprint(name), name_of(registry[name]), name) for name in transforms}


def test_changed_code_is_not_a_certified_release(code_copy):
    assert copied_code(code_copy).digest in certified()[RELEASES]
    change(code_copy, "event_routing_backends/helpers.py", "def backend_cache_ttl", "def backend_cache_ttl_seconds")
    assert copied_code(code_copy).digest not in certified()[RELEASES]


def test_all_events_fall_back_without_upstreams_source(tmp_path):
    assert set(fallback_reasons(tmp_path).values()) == {"fingerprint"}


def test_a_transformer_of_a_third_party_is_used(monkeypatch):
    class ThirdPartyTransformer(LinkClickedTransformer):
        pass

    monkeypatch.setitem(XApiTransformersRegistry.mapping, LINK_CLICKED[1], ThirdPartyTransformer)
    assert fallback_reasons() == {LINK_CLICKED: "third_party"}


def test_an_unregistered_event_falls_back_to_upstream(monkeypatch):
    monkeypatch.delitem(XApiTransformersRegistry.mapping, LINK_CLICKED[1])
    assert fallback_reasons() == {LINK_CLICKED: "third_party"}


def test_a_method_replaced_by_a_third_party_is_used(monkeypatch):
    monkeypatch.setattr(XApiTransformer, "get_timestamp", lambda self: "2026-03-02T08:15:27Z")
    assert events_with("third_party", fallback_reasons()) == all_events("xapi")


def test_another_of_upstreams_transformers_is_used(monkeypatch):
    mapping = XApiTransformersRegistry.mapping
    monkeypatch.setitem(mapping, LINK_CLICKED[1], mapping["edx.ui.lms.outline.selected"])
    assert fallback_reasons() == {LINK_CLICKED: "fingerprint"}


def test_a_filter_affects_the_events_whose_methods_it_filters(settings):
    settings.OPEN_EDX_FILTERS_CONFIG = {VIDEO_OBJECT: {"pipeline": ["some.Step"], "fail_silently": False}}
    assert events_with("filter", fallback_reasons()) == video_events("xapi")


def test_a_filter_of_actors_affects_all_xapi_events_only(settings):
    settings.OPEN_EDX_FILTERS_CONFIG = {ACTOR: ["some.Step"]}
    assert events_with("filter", fallback_reasons()) == all_events("xapi")


def test_filters_of_other_types_affect_no_event(settings):
    settings.OPEN_EDX_FILTERS_CONFIG = {"org.openedx.learning.course.enrollment.started.v1": ["some.Step"], ACTOR: []}
    assert fallback_reasons() == {}


def test_certificates_of_other_releases_are_kept():
    class Link:
        pass

    class Video:
        pass

    fingerprints = {"link": "changed", "play": "same", "pause": "same"}
    certification = SimpleNamespace(
        registry={"link": Link, "play": Video, "pause": Video}, fingerprint=fingerprints.__getitem__
    )
    link, video = name_of(Link), name_of(Video)
    before = {
        "link of 10": {"transformer": link, "events": ["link"], "releases": ["10.1.0", "9.3.8"]},
        "link of 9": {"transformer": link, "events": ["link"], "releases": ["9.3.8"]},
        "same": {"transformer": video, "events": ["play"], "releases": ["10.1.0"]},
    }
    assert certificates(certification, ["link", "pause", "play"], before, "9.3.8") == {
        "link of 10": {"transformer": link, "events": ["link"], "releases": ["10.1.0"]},
        "changed": {"transformer": link, "events": ["link"], "releases": ["9.3.8"]},
        "same": {"transformer": video, "events": ["pause", "play"], "releases": ["10.1.0", "9.3.8"]},
    }
