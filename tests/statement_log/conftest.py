from __future__ import annotations

import contextlib
import logging
import os

import pytest
import structlog

from log_replay.statement_log import LOGGERS


@pytest.fixture(autouse=True)
def _restore_structlog():
    yield
    structlog.reset_defaults()


@pytest.fixture
def log_through():
    """Return a function that gives both statement loggers one handler."""
    given = []

    def install(handler, formatter=None):
        if formatter:
            handler.setFormatter(formatter)
        for name in LOGGERS.values():
            logger = logging.getLogger(name)
            logger.handlers = [handler]
            logger.setLevel(logging.INFO)
            logger.propagate = False
        given.append(handler)
        return handler

    yield install
    for handler in given:
        handler.close()


@pytest.fixture
def pipe():
    """Open a pipe, and close both ends after the test."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)
