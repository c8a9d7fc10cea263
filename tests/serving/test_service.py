"""The real BentoML service over ASGI, with a small base and an adapter; readiness is the canary's word."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from starlette.testclient import TestClient

from components.domain.errors import StageFailed
from components.domain.ranker.artifacts import HEAD_FILE
from components.files import weights_sha256
from components.integrations import adapters, base_models, bentos, tuned_weights
from serving import service
from serving.schemas.rank import RankAnswer
from serving.variant import Variant
from serving.versions import CANARY_S
from tests.serving.conftest import CANDIDATE, HERE, sign, store_base

ASK: dict[str, Any] = {
    "person_id": "ada",
    "history": [{"dish": {"dish_id": "1", "name": "Beef roulade"}}],
    "dishes": [{"dish_id": "1", "name": "Halloumi"}, {"dish_id": "2", "name": "Chicken leg"}],
}


@pytest.fixture
def client(served: Path) -> Iterator[TestClient]:
    with TestClient(service.Palate.to_asgi(), HERE) as client:
        yield client


def test_a_menu_is_ranked_and_the_answer_says_by_what(client: TestClient) -> None:
    answer = client.post("/rank", json=ASK)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["model_version"], body["data_version"], body["preview"]) == ("7", "abc.dir", True)
    assert [each["dish_id"] for each in body["scores"]] == ["1", "2"]
    best = max(body["scores"], key=lambda score: score["score"])["dish_id"]
    assert body["order"][0] == best


def test_every_answer_has_an_id_of_its_own_and_its_lineage_in_headers(client: TestClient) -> None:
    answers = [client.post("/rank", json=ASK) for _ in range(2)]
    ids = [answer.json()["answer_id"] for answer in answers]
    assert ids[0] != ids[1]
    assert all(re.fullmatch(r"palate:v7-abc/[0-9a-f]{16}", each) for each in ids)
    headers = answers[0].headers
    assert headers["X-Palate-Answer"] == ids[0]
    named = [headers[f"X-Palate-{name}"] for name in ("Version", "Data", "Gate", "Git")]
    assert named == ["7", "abc.dir", "abc0", "def0"]


def test_the_answers_example_is_an_answer(client: TestClient) -> None:
    schemas = client.get("/docs.json").json()["components"]["schemas"]
    (schema,) = (schema for name, schema in schemas.items() if name.startswith("RankAnswer"))
    example = RankAnswer.model_validate(schema["example"])
    assert example.model_fields_set == set(RankAnswer.model_fields)


def test_ready_live_and_documented_with_an_example(client: TestClient) -> None:
    assert client.get("/readyz").status_code == 200
    assert client.get("/livez").status_code == 200
    assert "Cauliflower potato curry" in client.get("/docs.json").text


def test_the_order_asked_does_not_change_scores(client: TestClient) -> None:
    def by_id(ask: dict[str, Any]) -> dict[str, float]:
        return {each["dish_id"]: each["score"] for each in client.post("/rank", json=ask).json()["scores"]}

    assert by_id(ASK) == pytest.approx(by_id(ASK | {"dishes": ASK["dishes"][::-1]}), abs=1e-4)


def test_the_canary_is_asked_anew_on_demand_and_readiness_follows(served: Path, client: TestClient) -> None:
    first = client.post("/canary", json={}).json()
    assert first["passed"]
    assert first["worst"] < 0.01
    adapter = weights_sha256(served / "adapter")
    assert (first["model_version"], first["bento"], first["adapter_sha256"]) == (
        "7",
        "palate:v7-abc",
        adapter,
    )
    stored = json.loads((served / "canary.json").read_text())
    for question in stored["questions"]:
        question["adapter"] = [score + 1 for score in question["adapter"]]
    (served / "canary.json").write_text(json.dumps(stored))
    assert client.post("/canary", json={}).json() == first  # which is given again for some seconds
    time.sleep(CANARY_S + 0.1)
    again = client.post("/canary", json={}).json()
    assert not again["passed"]
    assert again["worst"] == pytest.approx(1, abs=0.01)
    assert client.get("/readyz").status_code == 503


def _multiply(served: Path, name: str, factor: float) -> None:
    file = served / "adapter" / tuned_weights.WEIGHTS
    tensors = load_file(file)
    save_file({key: tensors[key] * (factor if name in key else 1) for key in tensors}, file)
    sign(served)


def _another_adapter(served: Path, base: Path) -> None:
    model = base_models.load(base, torch.float32, torch.device("cpu"))
    adapted = adapters.attach(model.network, CANDIDATE, 2)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.2, generator=torch.Generator().manual_seed(1))
    adapters.save(adapted, None, served.parent / "other", "small")
    shutil.copy(served.parent / "other" / tuned_weights.WEIGHTS, served / "adapter")
    sign(served)


def _another_base(served: Path, base: Path) -> None:
    other = served.parent / "base"
    shutil.copytree(base, other)
    model = base_models.load(base, torch.float32, torch.device("cpu"))
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(3)))
    base_models.save(model.network, model.tokenizer, other, torch.float32)
    sign(served, **store_base(other))


def _a_canary_that_cannot_tell_adapter_from_base(served: Path, base: Path) -> None:
    questions = json.loads((served / "canary.json").read_text())["questions"]
    equal = [question | {"base": question["adapter"]} for question in questions]
    (served / "canary.json").write_text(json.dumps({"questions": equal}))


DAMAGES: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "never applied": (lambda served, _: _multiply(served, "lora_B", 0.0), "nearer to the untuned base"),
    "merged twice": (lambda served, _: _multiply(served, "lora_B", 2.0), "off the version's"),
    "another adapter": (_another_adapter, "off the version's"),
    "another base": (_another_base, "off the version's"),
    "another prompt": (lambda served, _: sign(served, dish_fields=["name"]), "prompts here hash to"),
    "a blind canary": (_a_canary_that_cannot_tell_adapter_from_base, "proves nothing"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_proven_to_be_the_trained_adapter_is_never_ready(
    served: Path, small_base: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    change, sentence = DAMAGES[damage]
    change(served, small_base)
    with TestClient(service.Palate.to_asgi(), HERE) as client:
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").status_code == 200
        assert client.post("/rank", json=ASK).status_code == 503
    assert sentence in caplog.text  # BentoML keeps the reason of a 5xx from the caller


def test_an_adapter_with_another_checksum_never_starts(served: Path) -> None:
    before = (served / "served.json").read_text()
    _multiply(served, "lora_B", 1.001)  # too little for the canary
    (served / "served.json").write_text(before)
    with pytest.raises(StageFailed, match="not those that the night registered"):
        Variant.open(served)


def test_an_adapter_that_reads_dishes_in_context_is_refused_with_one_sentence(served: Path) -> None:
    (served / "adapter" / HEAD_FILE).unlink()
    sign(served)
    with pytest.raises(StageFailed, match="release a version whose candidate has `vectors` or `factors`"):
        Variant.open(served)


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "undescribed"])
def test_a_damaged_base_never_starts_and_says_what_mends_it(
    served: Path, small_base: Path, tmp_path: Path, damage: str
) -> None:
    facts = {**store_base(small_base), "base": f"palate-base:{damage}"}
    bentos.store_model(facts["base"], small_base)
    file = bentos.model_folder(facts["base"]) / "model.safetensors"
    content = file.read_bytes()
    if damage == "gone":
        bentos.remove_model(facts["base"])
    elif damage == "undescribed":
        (file.parent / "model.yaml").write_text("{")
    else:
        file.write_bytes(content[:-1000] if damage == "cut" else content[:-1] + bytes([content[-1] ^ 1]))
    sign(served, **facts)
    with pytest.raises(StageFailed, match=f"no undamaged base model palate-base:{damage}: the next release"):
        Variant.open(served)
