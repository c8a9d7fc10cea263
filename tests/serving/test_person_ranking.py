"""`GET /people/ID` and `/recommend` say how well the model knows the person, by their own opinions alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch

from components.domain.catalogue import Thresholds
from components.domain.preferences.contract import columns
from components.domain.ranker.person_ranking import NOT_JUDGED, accuracy_and_chance
from components.domain.ranker.text_factors import TextFactors
from components.domain.ranker.vector_memory import vectors_of
from components.domain.records import DISLIKED, LIKED, Past
from components.domain.verdict import canary
from components.integrations import base_models, tuned_weights
from components.integrations.service_store import Catalogue
from components.stages.canary import with_scores
from serving.store import STORE
from tests.conftest import eight_dishes
from tests.serving.conftest import FIELDS, listening, send, set_limits, sign
from tests.serving.published import ADA, BOB, EMPTY, MENU, lines
from tests.serving.test_head_alone import FACTORS, train

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
CLEO = {"person_id": "cleo", "diet": "", "allergies": (), "avoids": ()}  # may have every dish
DISHES = tuple(eight_dishes())
HISTORY = [Past(dish, LIKED if number % 3 else DISLIKED) for number, dish in enumerate(DISHES)]


@pytest.fixture
def with_factors(served: Path, small_base: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the real service of a head of text factors."""
    monkeypatch.setenv(STORE, url)
    train(small_base, served / "adapter", FACTORS)
    questions = canary.made_up_questions(list(DISHES), 4, 2)
    scored = with_scores(questions, eight_dishes(), FIELDS, small_base, served / "adapter")
    (served / "canary.json").write_text(json.dumps(canary.to_json("reader", scored)))
    sign(served)
    set_limits(served, max_history=len(DISHES))
    with listening() as address:
        yield address


def _publish(url: str, history: Sequence[Past]) -> None:
    """Publishes eight dishes, Bob and Cleo with a history, and Ada without one."""
    rows = [
        (dict.fromkeys(columns("dishes")) | EMPTY | {**vars(dish)}, 0.5, True)
        for dish in eight_dishes().values()
    ]
    histories = [("bob", lines(*history)), ("cleo", lines(*history)), ("ada", [])]
    Catalogue(url).publish("v1", Thresholds(4, 2), rows, [BOB, CLEO, ADA], histories)


def _ranking(address: str, person: str = "bob") -> Any:
    answer = httpx.get(f"{address}/people/{person}", timeout=120)
    assert answer.status_code == 200, answer.text
    return answer.json()["ranking"]


def _accuracy(base: Path, adapter: Path, history: Sequence[Past]) -> float:
    """The share of pairs by what the base reads itself, without residuals."""
    model = base_models.load(base, torch.float32, torch.device("cpu"))
    tuned_weights.add(model, adapter)
    head, dishes = model.head, eight_dishes()
    assert isinstance(head, TextFactors)
    tokens = model.dish_tokens(dishes, FIELDS)
    texts = [tokens.alone(past.dish_id, head.reading.template) for past in history]
    without = TextFactors(**{**head.tensors(), "residual": torch.zeros_like(head.residual)})
    with torch.inference_mode():
        factors = vectors_of(model, without, texts)[:, 1:].double().numpy()
    liked = np.array([past.verdict for past in history], float)
    return accuracy_and_chance(head.person_opinions(factors, liked, np.zeros(len(liked), bool)))[0]


def test_a_person_is_judged_by_their_opinions_and_by_text_alone(
    with_factors: str, served: Path, small_base: Path, url: str
) -> None:
    _publish(url, HISTORY[:7])
    ranking = _ranking(with_factors)
    assert (ranking["better_than_chance"], ranking["pairs"]) == (False, 12)
    assert ranking["accuracy"] == pytest.approx(_accuracy(small_base, served / "adapter", HISTORY[:7]))
    assert "12 pairs" in ranking["sentence"]
    like = {"person_id": "bob", "dish_id": DISHES[7], "kind": "like"}
    assert send(f"{with_factors}/feedback", **like)[0] == 200
    assert _ranking(with_factors)["pairs"] == 15  # it counts at once
    accuracy = _accuracy(small_base, served / "adapter", HISTORY)
    assert _ranking(with_factors)["accuracy"] == pytest.approx(accuracy)


def test_an_answer_says_how_many_pairs_of_this_person_it_expects_right(with_factors: str, url: str) -> None:
    rated = [Past(past.dish_id, past.verdict, 3.0 + 2 * past.verdict) for past in HISTORY]

    def sure(stored: Sequence[Past], **more: Any) -> Any:
        _publish(url, stored)
        status, answer, _ = send(f"{with_factors}/recommend", person_id="cleo", **more)
        assert status == 200, answer
        return answer["sure_of_person"]

    assert 0.5 < sure(rated[:4]) < 1
    assert sure(rated[:7]) is None  # one other dish makes no pair
    assert sure([*rated[:3], HISTORY[3]]) is None  # a like
    assert sure(rated[:4], history=[]) is None


def test_without_a_better_and_a_worse_opinion_it_says_how_many_more(with_factors: str, url: str) -> None:
    _publish(url, [Past(dish, LIKED) for dish in DISHES[:3]])
    assert _ranking(with_factors)["better_than_chance"] is None
    assert _ranking(with_factors)["more_opinions"] == 3
    assert _ranking(with_factors, "ada")["pairs"] == 0


def test_a_rule_and_vectors_that_were_trained_judge_nobody(storing: str, url: str) -> None:
    _publish(url, HISTORY)
    assert _ranking(storing) == vars(NOT_JUDGED)
    assert send(f"{storing}/recommend", person_id="bob")[1]["sure_of_person"] is None


def test_what_is_stored_is_read_though_nobody_can_be_judged(
    with_factors: str, served: Path, url: str
) -> None:
    assert send(f"{with_factors}/rank", person_id="bob", dishes=MENU)[0] == 200
    answer = httpx.get(f"{with_factors}/people/bob", timeout=120).json()  # nothing is published yet
    assert (answer["ranking"], len(answer["answers"])) == (None, 1)
    _publish(url, HISTORY)
    assert _ranking(with_factors)["pairs"] == 15
    questions = json.loads((served / "canary.json").read_text())
    (served / "canary.json").write_text(json.dumps(questions).replace("0.", "9."))
    send(f"{with_factors}/canary")
    assert send(f"{with_factors}/rank", person_id="bob", dishes=MENU)[0] == 503
    assert _ranking(with_factors) is None
