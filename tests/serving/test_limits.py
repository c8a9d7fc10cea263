"""What a request may cost: tokens, time and turns; and that an honest menu in rare letters is answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from components.domain.preferences.strengths import RatingScale
from components.domain.ranker.dish_vectors import start_head
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import Comparison, Dish, Question
from components.integrations import scoring
from serving import refusals, service
from serving.middleware.requests import Slots
from tests.serving.conftest import HERE, set_limits
from tests.serving.test_service import ASK

CHINESE = "宫保鸡丁花生辣椒红烧牛肉面清蒸鲈鱼麻婆豆腐糖醋里脊酸辣土豆丝番茄炒蛋回锅肉鱼香茄子"
JAPANESE = "親子丼味噌ラーメン天ぷらそばとんかつ定食焼き魚の塩麹漬け肉じゃが牛すき焼き鍋抹茶アイス"


@pytest.fixture
def client(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    set_limits(served, max_dishes=200, max_history=200)
    with TestClient(service.Palate.to_asgi(), HERE) as client:
        yield client


def _menu(letters: str, count: int) -> list[dict[str, str]]:
    """Names of six letters and descriptions of twenty, each another one."""
    return [
        {
            "dish_id": str(number),
            "name": "".join(letters[(number * 7 + 3 * index) % len(letters)] for index in range(6)),
            "description": "".join(letters[(number + 5 * index) % len(letters)] for index in range(20)),
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("letters", [CHINESE, JAPANESE])
def test_an_honest_menu_of_a_hundred_dishes_in_rare_letters_is_ranked(
    client: TestClient, letters: str
) -> None:
    history = [{"dish": dish} for dish in _menu(letters, 24)]
    answer = client.post("/rank", json=ASK | {"dishes": _menu(letters, 100), "history": history})
    assert answer.status_code == 200, answer.text
    assert len(set(answer.json()["order"])) == 100


def test_too_many_tokens_are_refused_with_their_number_and_never_reach_the_model(client: TestClient) -> None:
    long = {"dish_id": "long", "name": "x", "tags": ["𒀀𒁀𒂀𒃀" * 60]}
    answer = client.post("/rank", json=ASK | {"dishes": [long]})
    assert answer.status_code == 400
    assert "dish_id 'long' is" in answer.text
    assert "tokens long: send at most 400" in answer.text
    many = [
        {"dish_id": str(number), "name": f"{number}", "tags": ["".join(CHINESE[:30] * 4)]}
        for number in range(200)
    ]
    answer = client.post("/rank", json=ASK | {"dishes": many})
    assert answer.status_code == 400
    assert re.search(
        r"dishes, history included, are 16\d\d\d tokens long together: send at most 16000", answer.text
    )
    assert 'palate_model_answers_total{model_version="7"} 0' in client.get("/metrics").text


def test_work_ends_at_the_deadline_which_is_no_error_of_the_model(served: Path, client: TestClient) -> None:
    set_limits(served, deadline_s=0.0)
    answer = client.post("/rank", json=ASK)
    assert answer.status_code == 504
    metrics = client.get("/metrics").text
    assert 'palate_model_errors_total{model_version="7"} 0' in metrics
    assert 'palate_model_answers_total{model_version="7"} 0' in metrics


class _Enough(Exception):
    pass


def test_whoever_waits_is_asked_for_before_each_batch(small_model: LanguageModel) -> None:
    lines, calls = [[token] * 150 for token in range(40, 80)], 0

    def before_batch() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise _Enough

    with pytest.raises(_Enough):
        hidden_states(small_model, lines, before_batch)  # 40 sequences are five batches
    assert calls == 3


def test_vectors_that_were_computed_before_the_work_ended_are_kept(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    small_model.head = start_head(hidden_states(small_model, [[40, 41], [42, 43], [44]]), 2, RatingScale())
    many = {f"m{number}": Dish(f"m{number}", "x " * 100, f"{number}") for number in range(30)}
    tokens = small_model.dish_tokens(many, ("description", "name"), 24)
    question, batches = Question("ada", (), tuple(many)), 0

    def before_batch() -> None:
        nonlocal batches
        batches += 1
        if batches == 4:
            raise _Enough

    with pytest.raises(_Enough):
        scoring.score_question(small_model, tokens, question, before_batch)
    assert 0 < len(small_model.vectors) < 30
    whole = scoring.score_question(small_model, tokens, question, lambda: None)
    small_model.vectors.clear()
    assert whole == pytest.approx(scoring.score_question(small_model, tokens, question), abs=1e-4)


async def _waits_until_gone(scope: Any, receive: Any, send: Any) -> None:
    call = refusals.CURRENT.get()
    assert call
    while True:
        call.must_go_on()
        await asyncio.sleep(0.01)


def test_work_for_a_client_that_went_away_ends() -> None:
    messages = [{"type": "http.request", "body": b"{}", "more_body": False}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def ask() -> None:
        await Slots(_waits_until_gone, lambda: {"max_concurrency": 1, "deadline_s": 20.0})(
            {"type": "http", "method": "POST", "path": "/rank"}, receive, _nowhere
        )

    with pytest.raises(refusals.NobodyWaits, match="went away"):
        asyncio.run(asyncio.wait_for(ask(), 10))


async def _nowhere(message: Any) -> None:
    pass


def test_the_canary_leaves_the_memory_of_dishes_alone(served: Path) -> None:
    palate = service.Palate()
    assert palate.versions.refusal is None
    assert palate.versions.newest.model.vectors == {}
    palate.versions.newest.model.vectors[b"a line"] = "its vector"
    assert asyncio.run(palate.canary()).passed
    assert palate.versions.newest.model.vectors == {b"a line": "its vector"}
