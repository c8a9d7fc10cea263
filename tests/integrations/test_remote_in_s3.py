"""DVC's remote in a bucket: what lies there is hashed after each push, and files come back from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from components.domain.errors import StageFailed
from components.integrations import data_versions
from tests.bucket import NAME, bucket, keys, object_storage
from tests.integrations.test_data_versions import repo

__all__ = ["repo"]  # a fixture
pytestmark = pytest.mark.slow


@pytest.fixture
def s3(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.client]:
    """A bucket that is the default remote of the repository."""
    with object_storage() as endpoint, bucket(endpoint, monkeypatch) as client:
        data_versions.dvc(repo, "remote", "add", "--default", "--force", "bucket", f"s3://{NAME}/palate")
        yield client


def test_what_is_damaged_or_missing_in_the_bucket_is_uploaded_again(repo: Path, s3: boto3.client) -> None:
    paths = ["data/events"]
    data_versions.add(repo, *paths)
    data_versions.push(repo, paths)
    before = {key: s3.get_object(Bucket=NAME, Key=key)["Body"].read() for key in keys(s3)}
    assert len(before) == 2  # the file, and the listing of its folder
    one, other = before
    s3.put_object(Bucket=NAME, Key=one, Body=b"other bytes")
    s3.delete_object(Bucket=NAME, Key=other)
    data_versions.push(repo, paths)
    assert {key: s3.get_object(Bucket=NAME, Key=key)["Body"].read() for key in keys(s3)} == before


def test_a_file_comes_back_from_the_bucket_alone_and_a_damaged_one_does_not(
    repo: Path, s3: boto3.client
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
    for key in keys(s3):
        s3.put_object(Bucket=NAME, Key=key, Body=b"other bytes")
    with pytest.raises(StageFailed, match="damaged"):
        data_versions.check_files(repo, paths)
