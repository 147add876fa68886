"""Names of the outputs of replays."""

import pytest

from log_replay.storage.output_names import is_own_output, output_name


@pytest.mark.parametrize("transformer", ["xapi", "caliper"])
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("folder", ["", "transformed/2023-06-01/"])
def test_outputs_are_recognised_in_any_folder(transformer, suffix, folder):
    assert is_own_output(folder + output_name(transformer, "0123456789ab", 7, suffix))


def test_outputs_sort_in_the_order_of_their_indexes():
    names = [output_name("xapi", "0123456789ab", index) for index in (1, 2, 10, 99_999_999)]
    assert names == sorted(names)


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
        "xapi_0123456789ab_00000001.log/tracking.log",
        "xapi_0123456789ab_00000001.log\n",
        "my-manifest.json",
        "xapi.log",
    ],
)
def test_logs_are_not_recognised_as_outputs(name):
    assert not is_own_output(name)
