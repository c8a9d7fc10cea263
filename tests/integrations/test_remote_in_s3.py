"""DVC's remote in a bucket: what lies there is hashed after each push, and files come back from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from components.domain.errors import StageFailed
from components.integrations import data_versions
from tests.flows.clones import free_ports
from tests.integrations.test_data_versions import repo

__all__ = ["repo"]  # a fixture
pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.client]:
    """A bucket that is the default remote of the repository."""
    port = free_ports(1)[0]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port)
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": endpoint, "AWS_ENDPOINT_URL_S3": endpoint,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="meals", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    data_versions.dvc(repo, "remote", "add", "--default", "--force", "bucket", "s3://meals/palate")
    yield client
    for key in _keys(client):
        client.delete_object(Bucket="meals", Key=key)
    client.delete_bucket(Bucket="meals")
    server.stop()


def _keys(bucket: boto3.client) -> list[str]:
    return [stored["Key"] for stored in bucket.list_objects_v2(Bucket="meals").get("Contents", ())]


def test_what_is_damaged_or_missing_in_the_bucket_is_uploaded_again(repo: Path, bucket: boto3.client) -> None:
    paths = ["data/events"]
    data_versions.add(repo, *paths)
    data_versions.push(repo, paths)
    before = {key: bucket.get_object(Bucket="meals", Key=key)["Body"].read() for key in _keys(bucket)}
    assert len(before) == 2  # the file, and the listing of its folder
    one, other = before
    bucket.put_object(Bucket="meals", Key=one, Body=b"other bytes")
    bucket.delete_object(Bucket="meals", Key=other)
    data_versions.push(repo, paths)
    assert {key: bucket.get_object(Bucket="meals", Key=key)["Body"].read() for key in _keys(bucket)} == before


def test_a_file_comes_back_from_the_bucket_alone_and_a_damaged_one_does_not(
    repo: Path, bucket: boto3.client
) -> None:
    paths, file = ["data/events"], repo / "data/events/a"
    data_versions.add(repo, *paths)
    data_versions.push(repo, paths)
    shutil.rmtree(repo / ".dvc/cache")
    file.write_text("first nighT\n")
    data_versions.check_files(repo, paths)
    assert file.read_text() == "first night\n"
    shutil.rmtree(repo / ".dvc/cache")
    file.write_text("first nighT\n")
    for key in _keys(bucket):
        bucket.put_object(Bucket="meals", Key=key, Body=b"other bytes")
    with pytest.raises(StageFailed, match="damaged"):
        data_versions.check_files(repo, paths)
