"""A real S3 server."""

import pytest
from moto.server import ThreadedMotoServer

from tests.support.places import BucketPlace


@pytest.fixture(scope="module")
def bucket():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield BucketPlace("S3", server.get_host_and_port()[1])
    server.stop()
