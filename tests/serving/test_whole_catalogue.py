"""All dishes of the catalogue are searched with the vectors that the release brought, never with others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from components.domain.catalogue import Listed, Thresholds
from components.domain.preferences.contract import columns
from components.domain.ranker.artifacts import VECTORS_FILE
from components.domain.records import DISLIKED, LIKED, Dish, Past, Question
from components.files import file_sha256
from components.integrations import scoring
from components.integrations.service_store import Catalogue
from components.stages.pack import pack
from serving.catalogue import listing_of
from serving.search import best_dishes
from serving.store import STORE
from serving.variant import Variant
from tests.conftest import eight_dishes
from tests.serving.conftest import FIELDS, listening, send, set_limits, sign
from tests.serving.published import lines

HISTORY = (Past("d0", LIKED), Past("d5", DISLIKED), Past("d1", LIKED, 4.0))
DISHES = tuple(eight_dishes().values())


@pytest.fixture
def packed(served: Path, small_base: Path) -> Path:
    """The staged folder with the vectors of eight dishes, as a release has them."""
    pack(served, small_base, DISHES)
    _sign(served)
    return served


def _sign(served: Path) -> None:
    """Writes down which file of vectors belongs to the release."""
    sign(served, vectors_sha256=file_sha256(served / VECTORS_FILE))


def _listed(dishes: Sequence[Dish]) -> list[Listed]:
    return [Listed(dish, None, 1 - number / 100) for number, dish in enumerate(dishes)]


def _ranked(variant: Variant, dishes: Sequence[Dish], k: int = 100, history: Sequence[Past] = HISTORY) -> Any:
    """What the service ranks for a person with this history; every dish may be offered."""
    catalogue = listing_of(_listed(dishes))
    return best_dishes(variant, history, {}, np.arange(len(dishes)), catalogue, k)


def _scores(ranked: Any) -> dict[str, float]:
    return {listed.dish.dish_id: score for listed, score in ranked.dishes}


def _one_menu(
    variant: Variant, dishes: Sequence[Dish], history: Sequence[Past] = HISTORY
) -> dict[str, float]:
    """Scores as `/rank` gives them: by the language model, and by no packed vector."""
    model = replace(variant.model, vectors={})
    tokens = model.dish_tokens({dish.dish_id: dish for dish in (*DISHES, *dishes)}, FIELDS)
    ids = tuple(dish.dish_id for dish in dishes)
    return dict(
        zip(ids, scoring.score_question(model, tokens, Question("p", tuple(history), ids)), strict=True)
    )


def test_packed_dishes_score_as_one_menu_and_nothing_is_read(packed: Path) -> None:
    variant = Variant.open(packed)
    assert variant.refusal is None
    for history in (HISTORY, HISTORY[:1], (*HISTORY, *HISTORY[:2])):
        assert _scores(_ranked(variant, DISHES, history=history)) == pytest.approx(
            _one_menu(variant, DISHES, history), abs=1e-4
        )
    assert not variant.model.vectors


def test_the_best_are_those_of_the_whole_order(packed: Path) -> None:
    variant = Variant.open(packed)
    whole = [listed.dish.dish_id for listed, _ in _ranked(variant, DISHES).dishes]
    assert whole == sorted(whole, key=_one_menu(variant, DISHES).__getitem__, reverse=True)
    for k in (1, 3, 8, 100):
        best = _ranked(variant, DISHES, k)
        assert [listed.dish.dish_id for listed, _ in best.dishes] == whole[:k]
        assert best.considered == len(DISHES)


def test_a_changed_text_is_read_anew(packed: Path) -> None:
    variant = Variant.open(packed)
    changed = (replace(DISHES[0], name="Grilled octopus"), *DISHES[1:])
    before, after = _scores(_ranked(variant, DISHES)), _scores(_ranked(variant, changed))
    assert len(variant.model.vectors) == 1
    assert after == pytest.approx(_one_menu(variant, changed), abs=1e-4)
    assert after["d0"] != pytest.approx(before["d0"], abs=1e-3)


@pytest.mark.parametrize("name", ["豆腐と海藻のサラダ", "كشري", "<|endoftext|>", "ß" * 300, " "])
def test_a_new_dish_in_any_letters_is_ranked_at_once(packed: Path, name: str) -> None:
    variant, dishes = Variant.open(packed), (*DISHES, Dish("new", name))
    ranked = _ranked(variant, dishes)
    assert _scores(ranked) == pytest.approx(_one_menu(variant, dishes), abs=1e-4)


def test_one_dish_none_and_twins(packed: Path) -> None:
    variant = Variant.open(packed)
    assert list(_scores(_ranked(variant, DISHES[:1], history=HISTORY[:1]))) == ["d0"]
    assert _ranked(variant, [], history=HISTORY).dishes == []
    twins = [replace(DISHES[2], dish_id=name) for name in ("b", "a", "c")]
    ranked = _ranked(variant, [*DISHES, *twins])
    scores = _scores(ranked)
    assert scores["a"] == scores["b"] == scores["c"] == scores["d2"]
    order = [listed.dish.dish_id for listed, _ in ranked.dishes]
    assert [dish for dish in order if dish in {"a", "b", "c", "d2"}] == ["d2", "b", "a", "c"]


def test_without_vectors_a_request_reads_few_dishes_and_says_how_many(served: Path) -> None:
    variant = Variant.open(served)
    dishes = [Dish(f"n{number}", f"Soup number {number}") for number in range(20)]
    history = (Past("n0", LIKED),)
    assert [_ranked(variant, dishes, history=history).considered for _ in range(4)] == [8, 16, 20, 20]
    assert _scores(_ranked(variant, dishes, history=history)) == pytest.approx(
        _one_menu(variant, dishes, history), abs=1e-4
    )


def test_a_dish_that_is_too_long_is_left_out(packed: Path) -> None:
    set_limits(packed, max_line_tokens=20)
    assert "long" not in _scores(_ranked(Variant.open(packed), (*DISHES, Dish("long", "鱻" * 100))))


def _flip(served: Path) -> None:
    file = served / VECTORS_FILE
    content = bytearray(file.read_bytes())
    content[-1] ^= 64
    file.write_bytes(content)


def _tear(served: Path) -> None:
    file = served / VECTORS_FILE
    file.write_bytes(file.read_bytes()[:40])
    _sign(served)


def _turn_and_sign(served: Path) -> None:
    file = served / VECTORS_FILE
    with safe_open(file, framework="pt") as opened:
        metadata = opened.metadata()
    tensors = load_file(file)
    save_file({"names": tensors["names"], "vectors": -tensors["vectors"]}, file, metadata=metadata)
    _sign(served)


def _of_another_model(served: Path) -> None:
    file = served / VECTORS_FILE
    tensors = load_file(file)
    save_file(tensors, file, metadata={"base_sha256": "another", "adapter_sha256": "another"})
    _sign(served)


def _remove(served: Path) -> None:
    (served / VECTORS_FILE).unlink()


def _unsigned(served: Path) -> None:
    sign(served, vectors_sha256=None)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_flip, "is not the file"),
        (_remove, "is not the file"),
        (_unsigned, "is not the file"),
        (_tear, "cannot be read"),
        (_of_another_model, "were made with another model"),
        (_turn_and_sign, "off what the model reads"),
    ],
)
def test_vectors_of_another_making_are_refused(
    packed: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(packed)
    assert sentence in str(Variant.open(packed).refusal)


@pytest.fixture
def address(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A service of ten dishes, of which eight are packed and one is hidden."""
    url = f"sqlite:///{tmp_path / 'service.db'}"
    empty: Mapping[str, Any] = dict.fromkeys(columns("dishes")) | {
        "cuisine": "",
        "allergens": None,
        "description": "",
    }
    dishes = (
        *DISHES,
        Dish("new", "Lentil soup", ingredients=("lentils",)),
        Dish("hidden", "Peas of last year"),
    )
    rows = [
        ({**empty, **vars(dish), "ingredients": dish.ingredients}, 0.5, dish.dish_id != "hidden")
        for dish in dishes
    ]
    people = [
        {"person_id": person, "diet": "", "allergies": allergies, "avoids": ()}
        for person, allergies in (("ada", ()), ("bob", ("nuts",)))
    ]
    histories = [(person["person_id"], lines(*HISTORY)) for person in people]
    Catalogue(url).publish("v1", Thresholds(4, 2), rows, people, histories)
    monkeypatch.setenv(STORE, url)
    with listening() as address:
        yield address


def test_the_service_ranks_more_dishes_than_one_menu_may_have(address: str) -> None:
    status, answer, _ = send(f"{address}/recommend", person_id="ada", k=100)
    assert status == 200, answer
    ids = {dish["dish_id"] for dish in answer["dishes"]}
    assert ids == {"d0", "d1", "d2", "d3", "d4", "d6", "d7", "new"}  # d5 is disliked
    assert answer["considered"] == 8  # max_dishes is 3
    status, answer, _ = send(f"{address}/recommend", person_id="bob")
    assert status == 200, answer
    assert [dish["dish_id"] for dish in answer["dishes"]] == ["new"]
    assert {dish["dish_id"] for dish in answer["left_out"]} == {dish.dish_id for dish in DISHES}
