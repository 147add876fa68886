"""Containers for objects, local or in an S3 server, and the sources that read them."""

import itertools
from http.client import HTTPConnection

import boto3
from botocore.config import Config

from log_replay.retry import RetryPolicy
from log_replay.sources import open_source
from log_replay.sources.cloud import CloudSource

KEY, SECRET = "AKIAEXAMPLEKEY", "hush-this-is-the-secret"
numbers = itertools.count(1)


class LocalPlace:
    """A folder."""

    provider = "LOCAL"

    def __init__(self, folder):
        self.folder = folder
        (folder / "logs").mkdir()

    def config(self, **more):
        return {"key": str(self.folder), "container": "logs", **more}

    def source(self, *, skip_unreadable=False, **more):
        return open_source(self.provider, self.config(**more), skip_unreadable=skip_unreadable)

    def put(self, name, data=b"a line\n"):
        path = self.folder / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def remove(self, name):
        (self.folder / "logs" / name).unlink()


class BucketPlace:
    """A bucket of a real S3 server. It can be read through another port."""

    def __init__(self, provider, port, read_port=None):
        self.provider = provider
        self.server_port = port
        self.port = read_port or port
        self.bucket = f"logs-{next(numbers)}"
        self.waits = []
        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )
        self.client.create_bucket(Bucket=self.bucket)

    def config(self, **more):
        return {
            "key": KEY,
            "secret": SECRET,
            "container": self.bucket,
            "host": "127.0.0.1",
            "port": self.port,
            "secure": False,
            **more,
        }

    def source(self, retries=5, read_timeout_seconds=60, **more):
        """Return a source that records its delays in ``waits`` instead of sleeping."""
        return CloudSource(
            self.provider,
            self.config(**more),
            RetryPolicy(retries, sleep=self.waits.append),
            read_timeout_seconds=read_timeout_seconds,
        )

    def put(self, name, data=b"a line\n", **more):
        self.client.put_object(Bucket=self.bucket, Key=name, Body=data, **more)

    def put_many(self, names):
        """Put many small objects, faster than with boto3."""
        connection = HTTPConnection("127.0.0.1", self.server_port)
        for name in names:
            connection.request("PUT", f"/{self.bucket}/{name}", body=b"x")
            connection.getresponse().read()
        connection.close()

    def remove(self, name):
        self.client.delete_object(Bucket=self.bucket, Key=name)
