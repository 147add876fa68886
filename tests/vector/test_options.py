"""Every option of every component exists in Vector 0.54 and in current Vector, and has a valid value."""

from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest
import yaml

from tests.support.vector.shipped import COMPONENTS, SECTIONS, TRANSFORMS, composed, compositions, interpolated, named
from tests.support.vector.vector_options import OPTIONS, REQUIRED, SECRET_OPTIONS, SMALLEST_DISK_BUFFER, TOP_LEVEL

ALL = [
    pytest.param(path, section, name, component, id=f"{path.stem}:{name}")
    for path in COMPONENTS
    for section in SECTIONS
    for name, component in yaml.safe_load(interpolated(path.read_text())).get(section, {}).items()
]


def flat(options, known, prefix=""):
    """Yield options with the dotted names of the reference."""
    for key, value in options.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in known:
            yield from flat(value, known, f"{name}.")
        else:
            yield name, value


def fits(value, kind):
    if isinstance(kind, set):
        return value in kind
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


@pytest.mark.parametrize(("path", "section", "name", "component"), ALL)
def test_options_exist_and_fit(path, section, name, component):
    options = {key: value for key, value in component.items() if key not in ("type", "inputs")}
    known = OPTIONS[section][component["type"]]

    given = dict(flat(options, known))

    assert {name for name, value in given.items() if name not in known or not fits(value, known[name])} == set()
    assert REQUIRED[section][component["type"]] <= given.keys()
    assert (section == "sources") == ("inputs" not in component)
    assert "." not in name, "Vector refuses dots in names"


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_top_level_keys_and_secrets(path):
    config = yaml.safe_load(interpolated(path.read_text()))
    used = set(re.findall(r"SECRET\[(\w+)\.\w+\]", path.read_text()))

    assert config.keys() <= TOP_LEVEL
    assert config.get("secret", {}).keys() == used
    for backend in config.get("secret", {}).values():
        assert all(fits(value, SECRET_OPTIONS[key]) for key, value in backend.items())


STORING = [p for p in ALL if p.values[1] == "sinks" and p.values[3]["type"] not in ("console", "prometheus_exporter")]


@pytest.mark.parametrize(("path", "section", "name", "component"), STORING)
def test_storing_sinks_acknowledge_and_have_a_disk_buffer(path, section, name, component):
    assert component["acknowledgements"] == {"enabled": True}
    if component["type"] != "file":
        assert component["buffer"] == {"type": "disk", "max_size": SMALLEST_DISK_BUFFER, "when_full": "block"}


@pytest.mark.parametrize(("path", "section", "name", "component"), ALL)
def test_nothing_listens_beyond_loopback_by_default(path, section, name, component):
    listens = section == "sources" or component["type"] == "prometheus_exporter"
    if listens and "address" in component:
        assert component["address"].startswith("127.0.0.1:")


@pytest.mark.parametrize(("path", "section", "name", "component"), ALL)
def test_templates_need_no_confinement(path, section, name, component):
    assert "{{" not in str({key: value for key, value in component.items() if key != "source"})


@pytest.mark.parametrize("paths", compositions(), ids=named)
def test_every_input_resolves(paths):
    config = composed(*paths)
    outputs = set(config["sources"])
    for name, transform in config["transforms"].items():
        outputs.add(name)
        if transform["type"] == "route":
            outputs |= {f"{name}.{route}" for route in (*transform["route"], "_unmatched")}
        if transform.get("reroute_dropped"):
            outputs.add(f"{name}.dropped")

    for name, reader in (config["transforms"] | config["sinks"]).items():
        for pattern in reader["inputs"]:
            assert [output for output in outputs if fnmatch(output, pattern)], f"{name}: {pattern}"


@pytest.mark.parametrize("paths", [paths for paths in compositions() if TRANSFORMS in paths], ids=named)
def test_no_composition_leaves_the_dead_letter_unread(paths):
    read = {source for sink in composed(*paths)["sinks"].values() for source in sink["inputs"]}

    assert "dead_letter" in read


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_programs_compile(path, engine):
    for transform in yaml.safe_load(interpolated(path.read_text())).get("transforms", {}).values():
        if "source" in transform:
            engine.check(transform["source"])
            # With the types of fields known, VRL refuses the handling of errors that cannot occur.
            typed = '.message = "a"\n.event = "a"\n.timestamp = now()\n'
            engine.check(typed + transform["source"])
