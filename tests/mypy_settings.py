"""The standalone settings, for mypy's Django plugin: it loads the apps without their LOGGING, which is applied here.

Else event-routing-backends would print a traceback for each edx-platform that it does not find.
"""

from logging.config import dictConfig

from log_replay.standalone.settings import *  # noqa: F403 - all of them
from log_replay.standalone.settings import LOGGING

dictConfig(LOGGING)
