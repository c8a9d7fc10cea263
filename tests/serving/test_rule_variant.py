"""The service answers by a rule alone: as the night measured it, and without any language model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from components.domain.catalogue import Thresholds
from components.domain.errors import StageFailed
from components.domain.preferences.contract import columns
from components.domain.preferences.from_records import question_table
from components.domain.records import Dish, Past, Question
from components.domain.rivals.fit_stacked_rules import POPULARITY, best_rule, fit_stacked_rules
from components.domain.rivals.rule_model import RuleModel
from components.domain.rivals.words import vocabulary_of
from components.domain.verdict import canary
from components.files import folder_sha256
from components.integrations import rule_files
from components.integrations.service_store import Catalogue
from serving import service
from serving.store import STORE
from serving.variant import Variant
from tests.conftest import REPO
from tests.domain.rivals.tastes import DISHES, odd_or_even
from tests.serving.conftest import HERE, RATINGS, SERVE
from tests.serving.published import EMPTY

ODD = [{"dish": {"dish_id": dish, "name": DISHES[dish].name}, "verdict": "liked"} for dish in ("d1", "d3")]
ALL = [{"dish_id": dish, "name": DISHES[dish].name} for dish in DISHES]


def _write(folder: Path, name: str = "") -> RuleModel:
    """Stages a rule as the night does."""
    train, _ = odd_or_even(200, 1)
    fitted = fit_stacked_rules(DISHES, train, np.isin(train.log.person, train.person), unit="person")
    dishes, name = tuple(DISHES[dish] for dish in train.log.dishes), name or best_rule(fitted.means)
    model = RuleModel(name, fitted.alone(name), dishes, vocabulary_of(dishes))
    rule_files.save(model, folder / "rule")
    questions = canary.made_up_questions(list(DISHES), 4, 2)
    scores = [model.scores(question_table([each]), DISHES) for each in questions]
    others = [np.empty(0) if name == POPULARITY else each + 1 for each in scores]
    stored = canary.stored_questions(questions, DISHES, scores, others)
    (folder / "canary.json").write_text(json.dumps(canary.to_json(name, stored)))
    facts = {
        "kind": "rule", "candidate": name, "standing": "unproven", "preview": True, "model": "palate",
        "model_version": "7", "data_md5": "abc.dir", "gate_sha256": "abc0", "git_sha": "def0",
        "bento": "palate:best-v7-abc", "serve": SERVE, "value_range": RATINGS, "feedback_range": RATINGS,
        "rule_sha256": folder_sha256(folder / "rule"),
    }  # fmt: skip
    (folder / "served.json").write_text(json.dumps(facts))
    return model


def _given(dish: Dish) -> dict[str, str]:
    return {"dish_id": dish.dish_id, "name": dish.name}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RuleModel]:
    folder = tmp_path_factory.mktemp("rule")
    return folder, _write(folder)


@pytest.fixture
def client(
    staged: tuple[Path, RuleModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setattr(service, "SERVED", staged[0])
    url = f"sqlite:///{tmp_path / 'service.db'}"
    rows = [(dict.fromkeys(columns("dishes")) | EMPTY | _given(dish), 0.5, True) for dish in DISHES.values()]
    Catalogue(url).publish("v1", Thresholds(4, 2), rows, [], [])
    monkeypatch.setenv(STORE, url)
    with TestClient(service.Palate.to_asgi(), HERE) as client:
        yield client


def test_a_menu_is_ranked_as_the_night_measured_the_rule(
    client: TestClient, staged: tuple[Path, RuleModel]
) -> None:
    body = client.post("/rank", json={"person_id": "ada", "history": ODD, "dishes": ALL}).json()
    assert (body["ranked_by"], body["standing"], body["preview"]) == (staged[1].name, "unproven", True)
    question = Question("ada", (Past("d1", 1), Past("d3", 1)), tuple(DISHES))
    expected = staged[1].scores(question_table([question]), DISHES)
    assert [each["score"] for each in body["scores"]] == pytest.approx(expected.tolist(), abs=1e-5)
    assert body["order"][0] in {"d5", "d7", "d1", "d3"}


def test_the_catalogue_is_ranked_with_reasons_and_a_stranger_gets_what_is_popular(client: TestClient) -> None:
    ranked = client.post("/recommend", json={"person_id": "ada", "history": ODD, "k": 9}).json()
    assert ranked["considered"] == len(DISHES)
    assert not ranked["cold_start"]
    liked = {line["dish"]["name"] for line in ODD}
    assert {name for dish in ranked["dishes"] for name in dish["because"]} <= liked
    assert ranked["dishes"][0]["because"]
    same = client.post("/rank", json={"person_id": "ada", "history": ODD, "dishes": ALL}).json()
    scores = {each["dish_id"]: each["score"] for each in same["scores"]}
    assert {each["dish_id"]: each["score"] for each in ranked["dishes"]} == pytest.approx(scores)
    assert client.post("/recommend", json={"person_id": "new"}).json()["cold_start"]


def test_it_is_ready_by_its_canary_and_says_so(client: TestClient) -> None:
    assert client.get("/readyz").status_code == 200
    answer = client.post("/canary", json={}).json()
    assert answer["passed"]
    assert answer["worst"] < 1e-6


def test_other_files_than_the_registered_ones_do_not_start(tmp_path: Path) -> None:
    _write(tmp_path)
    facts = tmp_path / "rule" / rule_files.FACTS
    facts.write_text(facts.read_text() + "\n")
    with pytest.raises(StageFailed, match="not those that the night registered"):
        Variant.open(tmp_path)
    served = json.loads((tmp_path / "served.json").read_text())
    (tmp_path / "rule" / rule_files.ARRAYS).write_bytes(b"torn")
    served["rule_sha256"] = folder_sha256(tmp_path / "rule")
    (tmp_path / "served.json").write_text(json.dumps(served))
    with pytest.raises(StageFailed, match="the rule in 'rule' cannot be read"):
        Variant.open(tmp_path)


def test_the_canary_refuses_another_rule_and_popularitys_proves_popularity(tmp_path: Path) -> None:
    _write(tmp_path / "popular", POPULARITY)
    assert Variant.open(tmp_path / "popular").refusal is None
    _write(tmp_path / "best")
    stored = (tmp_path / "best" / "canary.json").read_text()
    (tmp_path / "popular" / "canary.json").write_text(stored)
    assert "logits off" in str(Variant.open(tmp_path / "popular").refusal)


def test_no_language_model_is_loaded(staged: tuple[Path, RuleModel]) -> None:
    code = (
        "import sys; from pathlib import Path; from serving.variant import Variant;"
        "assert Variant.open(Path(sys.argv[1])).refusal is None;"
        "assert not {'torch', 'transformers'} & set(sys.modules), 'loaded'"
    )
    command = [sys.executable, "-c", code, str(staged[0])]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_rule_takes_part_in_a_trial_beside_the_version_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, version in ((tmp_path, "8"), (tmp_path / "before", "7")):
        folder.mkdir(exist_ok=True)
        _write(folder, POPULARITY if version == "7" else "")
        facts = json.loads((folder / "served.json").read_text())
        (folder / "served.json").write_text(json.dumps(facts | {"model_version": version, "share": 0.5}))
    monkeypatch.setattr(service, "SERVED", tmp_path)
    with TestClient(service.Palate.to_asgi(), HERE) as client:
        asked = [
            client.post("/rank", json={"person_id": f"p{number}", "history": ODD, "dishes": ALL}).json()
            for number in range(20)
        ]
    versions = {answer["model_version"] for answer in asked}
    assert versions == {"7", "8"}
    by_popularity = {answer["ranked_by"] == POPULARITY for answer in asked if answer["model_version"] == "7"}
    assert by_popularity == {True}
