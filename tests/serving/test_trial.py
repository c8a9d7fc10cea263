"""In a trial two versions answer: each person always gets the same one, and every answer says which."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from starlette.testclient import TestClient

from components.domain.ranker.artifacts import HEAD_FILE
from components.domain.ranker.language_model import LanguageModel
from components.integrations.tuned_weights import WEIGHTS
from serving import service
from serving.store import STORE
from serving.variant import Variant
from serving.versions import BEFORE, position
from tests.serving.conftest import HERE, sign
from tests.serving.household import publish_household
from tests.serving.test_service import ASK

SHARE = 0.3
PEOPLE = [f"person {number}" for number in range(12)]


@pytest.fixture
def before(served: Path) -> Path:
    """The folder of the version before: the same model under other names."""
    folder = served / BEFORE
    shutil.copytree(served, folder, ignore=shutil.ignore_patterns(BEFORE))
    sign(served, share=SHARE)
    sign(folder, model_version="6", bento="palate:v6-abc", data_md5="old.dir", share=1.0)
    return folder


@pytest.fixture
def client(
    served: Path, before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    with TestClient(service.Palate.to_asgi(), HERE) as client:
        yield client


def _answer(client: TestClient, person: str) -> dict[str, Any]:
    answer = client.post("/rank", json=ASK | {"person_id": person})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["X-Palate-Version"] == body["model_version"]
    return body


def test_a_share_of_the_people_gets_the_new_version_and_the_metrics_count_both(client: TestClient) -> None:
    answers = {person: _answer(client, person) for person in PEOPLE}
    new = {person for person in PEOPLE if position(person, "palate/7") < SHARE}
    assert 0 < len(new) < len(PEOPLE)
    for person, answer in answers.items():
        expected = ("7", "abc.dir") if person in new else ("6", "old.dir")
        assert (answer["model_version"], answer["data_version"]) == expected
        assert answer["answer_id"].startswith(f"palate:v{answer['model_version']}-abc/")
    metrics = client.get("/metrics").text
    for version, count in (("7", len(new)), ("6", len(PEOPLE) - len(new))):
        assert f'palate_model_answers_total{{model_version="{version}"}} {count}.0\n' in metrics
    assert metrics.count("# TYPE palate_model_answers_total counter") == 1


def test_the_version_before_that_is_damaged_makes_the_whole_not_ready(served: Path, before: Path) -> None:
    head = load_file(before / "adapter" / HEAD_FILE)
    save_file({name: tensor * 0.5 for name, tensor in head.items()}, before / "adapter" / HEAD_FILE)
    sign(before)
    with TestClient(service.Palate.to_asgi(), HERE) as client:
        assert client.get("/readyz").status_code == 503
        canary = client.post("/canary", json={}).json()
    assert "version 6: served scores are up to" in canary["reason"]


def test_the_base_is_held_once_and_neither_version_changes_the_others_weights(
    served: Path, before: Path
) -> None:
    file = before / "adapter" / WEIGHTS
    save_file({name: -tensor for name, tensor in load_file(file).items()}, file)
    sign(before)
    bases: dict[str, LanguageModel] = {}
    variants = [Variant.open(folder, bases) for folder in (served, before)]
    alone = [Variant.open(folder) for folder in (served, before)]
    one, other = (dict(variant.model.network.named_parameters()) for variant in variants)
    shared = {name for name in one if one[name].data_ptr() == other[name].data_ptr()}
    tuned = {name for name in one if "q_proj" in name or "down_proj" in name}
    assert shared == one.keys() - tuned
    for variant, reference in zip(variants, alone, strict=True):
        weights = dict(reference.model.network.named_parameters())
        assert all(
            torch.equal(weight, weights[name]) for name, weight in variant.model.network.named_parameters()
        )


def test_either_version_can_be_shown_to_anybody_and_both_are_described(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORE, publish_household(f"sqlite:///{tmp_path / 'service.db'}"))
    ask = {"person_id": PEOPLE[0], "keep": False, "allergies": [], "k": 2}
    versions = client.get("/versions").json()["versions"]
    assert [(each["model_version"], each["share"]) for each in versions] == [("7", SHARE), ("6", 1 - SHARE)]
    for version in ("6", "7"):
        answer = client.post("/recommend", json=ask | {"model_version": version})
        assert (answer.status_code, answer.json()["model_version"]) == (200, version)
        assert answer.headers["X-Palate-Exposure"] == "none"


def test_mlflows_pages_are_named_where_its_address_is_plain(
    client: TestClient, before: Path, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example/x/")
    newest = client.get("/versions").json()["versions"][0]
    assert newest["version_page"] == "https://mlflow.example/x/#/models/palate/versions/7"
    assert newest["night_page"] == ""  # these facts name no run
    for address in ("sqlite:///x.db", "http://ada:secret@host", "javascript:alert(1)", "http://", ""):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert client.get("/versions").json()["versions"][0]["version_page"] == ""


def test_without_a_version_before_everybody_gets_the_new_one(served: Path) -> None:
    with TestClient(service.Palate.to_asgi(), HERE) as client:
        assert {_answer(client, person)["model_version"] for person in PEOPLE} == {"7"}


def test_people_are_divided_as_the_share_says_and_anew_in_each_trial(trained: Path) -> None:
    one, other = (
        np.array([position(f"p{n}", trial) for n in range(20_000)]) for trial in ("palate/7", "palate/8")
    )
    for share in (0.01, 0.1, 0.5, 0.9):
        assert np.mean(one < share) == pytest.approx(share, abs=0.02)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.03
    assert set(np.flatnonzero(one < 0.1)) < set(np.flatnonzero(one < 0.5))  # a larger share keeps who had it


@given(st.text())
def test_any_id_has_a_position(trained: Path, person: str) -> None:
    assert 0 <= position(person, "palate/7") < 1
