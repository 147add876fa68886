"""A real S3 server, and the storage places that every source is tested with."""

import pytest
from moto.server import ThreadedMotoServer

from tests.support.faulty_proxy import FaultyProxy
from tests.support.places import BucketPlace, LocalPlace


@pytest.fixture(scope="session")
def s3_port():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def bucket(s3_port):
    return BucketPlace("S3", s3_port)


@pytest.fixture(params=["LOCAL", "S3", "MINIO"])
def place(request, tmp_path, s3_port):
    return LocalPlace(tmp_path) if request.param == "LOCAL" else BucketPlace(request.param, s3_port)


@pytest.fixture
def proxy(s3_port):
    with FaultyProxy(s3_port) as running:
        yield running
