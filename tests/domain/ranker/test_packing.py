"""Packing must not change a single score: that is what allows it to be fast."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from components.domain.ranker import packing
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import Comparison, Dish
from components.integrations import scoring

TOLERANCE = 1e-4  # logits, float32: the order of additions differs


def test_packed_scores_equal_scores_of_each_dish_alone(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    tokens = small_model.dish_tokens(dishes, ("name", "tags"))
    packed = scoring.score(small_model, tokens, comparisons, 400, "")
    for comparison in comparisons:
        for index, dish in enumerate(comparison.dishes):
            alone = dataclasses.replace(comparison, dishes=(dish,), chosen=dish)
            score = scoring.score_menu(small_model, tokens, alone)[0]
            assert packed[comparison.key][index] == pytest.approx(score, abs=TOLERANCE)


def test_packed_scores_equal_those_of_transformers_on_plain_text(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    import torch

    tokens = small_model.dish_tokens(dishes, ("name", "tags"))
    packed = scoring.score(small_model, tokens, comparisons, 400, "")
    yes, no = (small_model.encode(answer)[0] for answer in (" yes", " no"))
    for comparison in comparisons:
        history = [each for past in comparison.history for each in tokens.past(past)]
        for index, dish in enumerate(comparison.dishes):
            ids = torch.tensor([[*tokens.header(), *history, *tokens.offer(dish)]])
            logits = small_model.network(ids).logits[0, -1].detach()
            assert packed[comparison.key][index] == pytest.approx(
                float(logits[yes] - logits[no]), abs=TOLERANCE
            )


def test_history_changes_scores(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    tokens = small_model.dish_tokens(dishes, ("name",))
    known = scoring.score_menu(small_model, tokens, comparisons[3])
    unknown = scoring.score_menu(small_model, tokens, dataclasses.replace(comparisons[3], history=()))
    assert not np.allclose(known, unknown, atol=0.01)


@pytest.mark.parametrize("row_tokens", [64, 200, 1000])
def test_every_comparison_is_packed_once_and_rows_keep_their_budget(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison], row_tokens: int
) -> None:
    tokens = small_model.dish_tokens(dishes, ("name", "tags"))
    rows = packing.pack(comparisons, tokens, row_tokens)
    keys = [each.key for row in rows for each in row.comparisons]
    assert sorted(keys) == sorted(each.key for each in comparisons)
    assert all(row.real <= row_tokens or len(row.comparisons) == 1 for row in rows)


def test_a_dish_never_sees_another_dish_or_another_person(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    tokens = small_model.dish_tokens(dishes, ("name", "tags"))
    (row,) = packing.pack(comparisons, tokens, 2000)
    others = dict(dishes, d6=dataclasses.replace(dishes["d6"], name="Something else entirely"))
    before = scoring.score(small_model, tokens, comparisons, 2000, "")
    after = scoring.score(
        small_model, small_model.dish_tokens(others, ("name", "tags")), comparisons, 2000, ""
    )
    for comparison in row.comparisons:
        same = [index for index, dish in enumerate(comparison.dishes) if dish != "d6"]
        assert before[comparison.key][same] == pytest.approx(after[comparison.key][same], abs=TOLERANCE)
