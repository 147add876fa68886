"""Translation of foreign errors."""

import libcloud.common.exceptions
import libcloud.common.types
import libcloud.storage.types
import pytest
import requests

from log_replay.storage.errors import failure_of

FOREIGN = [libcloud.common.exceptions, libcloud.common.types, libcloud.storage.types, requests.exceptions]


@pytest.mark.parametrize("module", FOREIGN)
def test_every_error_of_libcloud_and_requests_is_translated(module):
    errors = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert all(failure_of(error.__new__(error), None).reason for error in errors)
