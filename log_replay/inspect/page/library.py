"""The chart library of the page: Vega-Lite, as one script, from the package vl-convert-python.

Of the libraries on PyPI that can be embedded, it has the smallest script: 0.9 MB (Bokeh's has 1.3 MB). It draws SVG,
which follows the colours of the page, and it needs no other Python packages.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from importlib.util import find_spec

from log_replay.errors import ConfigurationError

#: Bundling takes 150 MB, so it is done in a process of its own.
_BUNDLE = "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle().encode())"


def check_page_library() -> None:
    """Check that the library is installed.

    Raises:
        ConfigurationError: it is not.
    """
    if find_spec("vl_convert") is None:
        raise ConfigurationError(
            "--html needs the package vl-convert-python", hint='pip install "openedx-log-replay[html]"'
        )


@cache
def page_library() -> str:
    """Return the script."""
    bundled = subprocess.run([sys.executable, "-c", _BUNDLE], capture_output=True, check=True)  # noqa: S603 - our own
    return bundled.stdout.decode().replace("</script", "<\\/script")
