"""Names of the outputs of replays."""

import pytest

from log_replay.storage.output_names import Origin, is_own_output, object_digest, origin_of

ORIGIN = Origin("xapi", "0123456789ab", object_digest("tracking.log"))


@pytest.mark.parametrize("transformer_type", ["xapi", "caliper"])
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("folder", ["", "transformed/2023-06-01/"])
def test_outputs_are_recognised_in_any_folder(transformer_type, suffix, folder):
    origin = ORIGIN._replace(transformer_type=transformer_type)
    name = folder + origin.name(7, suffix)
    assert is_own_output(name)
    assert origin_of(name) == origin


def test_partial_outputs_are_recognised_but_have_no_origin():
    name = f".{ORIGIN.name(7)}.0123abcd.partial"
    assert is_own_output(name)
    assert origin_of(name) is None


def test_outputs_of_an_object_sort_in_the_order_of_their_offsets():
    names = [ORIGIN.name(offset) for offset in (1, 2, 10, 999_999_999_999)]
    assert names == sorted(names)


@pytest.mark.parametrize("name", ["tracking.log-1", "", "\udcff.log"])
def test_objects_with_other_names_have_other_digests(name):
    assert object_digest(name) != ORIGIN.digest


@pytest.mark.parametrize("name", ["23-06-02_20-29-20_xapi.log", "logs/23-06-02_20-29-20_caliper.log"])
def test_outputs_of_upstreams_command_are_recognised(name):
    assert is_own_output(name)


@pytest.mark.parametrize("name", ["manifest.json", "out/manifest.json", "manifest.log"])
def test_manifests_are_recognised(name):
    assert is_own_output(name)


@pytest.mark.parametrize(
    "name",
    [
        "tracking.log",
        "tracking.log-20230601.gz",
        "xapi_0123456789ab_0123456789ab_000000000001.log/tracking.log",
        "xapi_0123456789ab_0123456789ab_000000000001.log\n",
        "my-manifest.json",
        "xapi.log",
    ],
)
def test_logs_are_not_recognised_as_outputs(name):
    assert not is_own_output(name)
