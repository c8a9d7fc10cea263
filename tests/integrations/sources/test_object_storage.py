"""A folder in object storage gives what the same folder here gives; moto stands for S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import s3fs

from components.domain.errors import BadParams, DataRejected
from components.integrations.sources.folder import Folder
from flows.night.settings import settings_for
from tests.bucket import bucket, object_storage
from tests.conftest import REPO

SAMPLE = REPO / "data" / "sample" / "canteen"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with object_storage() as address:
        yield address


@pytest.fixture(autouse=True)
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.client]:
    with bucket(endpoint, monkeypatch) as client:
        yield client
    s3fs.S3FileSystem.clear_instance_cache()


def _upload(s3: boto3.client, folder: Path, prefix: str) -> None:
    for path in folder.iterdir():
        if path.is_file():
            s3.upload_file(str(path), "meals", f"{prefix}/{path.name}")


def test_a_bucket_gives_what_the_folder_gives_and_sees_what_is_put_there_later(
    s3: boto3.client, tmp_path: Path
) -> None:
    _upload(s3, SAMPLE, "site/inbox")
    there_folder = Folder("s3://meals/site/inbox")
    there, here = (folder.read({}).tables for folder in (there_folder, Folder(str(SAMPLE))))
    assert {name: list(rows) for name, rows in there.items()} == {
        name: list(rows) for name, rows in here.items()
    }
    assert settings_for("s3://meals/site/inbox").split.test_days == 3
    s3.put_object(Bucket="meals", Key="site/inbox/params.yaml", Body=b"split: {test_days: 9}")
    assert settings_for("s3://meals/site/inbox").split.test_days == 9
    s3.put_object(Bucket="meals", Key="site/inbox/params.yaml", Body=b"split: [")
    with pytest.raises(BadParams, match=r"s3://meals/site/inbox/params\.yaml cannot be read as YAML"):
        settings_for("s3://meals/site/inbox")
    before = len(there_folder.read({}).tables["events"])
    (tmp_path / "events-more.csv").write_text(
        "person_id,dish_id,kind,occurred_at\nada,d1,like,2026-01-01T12:00:00\n"
    )
    _upload(s3, tmp_path, "site/inbox")
    assert len(there_folder.read({}).tables["events"]) == before + 1


def test_what_is_not_there_or_may_not_be_read_is_one_sentence(
    s3: boto3.client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("s3://meals/none", "s3://no-such-bucket/inbox"):
        with pytest.raises(DataRejected, match=address):
            Folder(address).read({})
    s3.put_object(Bucket="meals", Key="inbox/events.csv", Body=b"\xff\xfe")
    with pytest.raises(DataRejected, match=r"meals/inbox/events\.csv is not UTF-8"):
        Folder("s3://meals/inbox").read({})
    s3fs.S3FileSystem.clear_instance_cache()
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with pytest.raises(DataRejected, match=r"s3://meals/inbox' cannot be read"):
        Folder("s3://meals/inbox").read({})


def test_a_storage_that_is_not_installed_is_one_sentence() -> None:
    for address in ("gs://meals/inbox", "nonsense://meals/inbox"):
        with pytest.raises(DataRejected, match=f"{address}' cannot be read"):
            Folder(address).read({})
