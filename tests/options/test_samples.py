"""The values of ``--sample``."""

import pytest

from log_replay.errors import ConfigurationError
from log_replay.options.values import Sample, read_sample


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ("all", None),
        ("auto", Sample()),
        ("5%", Sample(percent=5)),
        ("0.1%", Sample(percent=0.1)),
        ("100%", Sample(percent=100)),
        ("1GB", Sample(size_bytes=10**9)),
        ("512MiB", Sample(size_bytes=512 << 20)),
    ],
)
def test_sample_is_a_share_or_a_size(text, sample):
    assert read_sample("--sample", text) == sample


@pytest.mark.parametrize("text", ["0%", "101%", "x", "-1GB", "", "0", "5 percent", "nan%"])
def test_other_samples_are_refused_with_an_example(text):
    with pytest.raises(ConfigurationError, match="for example 5%"):
        read_sample("--sample", text)
