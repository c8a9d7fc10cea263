"""Object storage of a test's own: moto's server, with one bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.flows.clones import free_ports

NAME = "meals"


@contextmanager
def object_storage() -> Iterator[str]:
    """The address of a running server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_ports(1)[0])
    server.start()
    yield f"http://127.0.0.1:{server._port}"
    server.stop()


@contextmanager
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.client]:
    """A client of a new bucket, to which the environment leads; it goes with all that is in it."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": endpoint, "AWS_ENDPOINT_URL_S3": endpoint,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield client
    for key in keys(client):
        client.delete_object(Bucket=NAME, Key=key)
    client.delete_bucket(Bucket=NAME)


def keys(client: boto3.client) -> list[str]:
    """Of all that lies in the bucket."""
    return [stored["Key"] for stored in client.list_objects_v2(Bucket=NAME).get("Contents", ())]
