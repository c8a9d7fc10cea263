"""The rules must be as good as they can be: a weak rival is no evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from components.domain.records import Comparison, Dish, Past
from components.domain.rivals import baselines


def _liked(comparison: Comparison) -> tuple[Past, ...]:
    return tuple(Past(past.dish_id, 1) for past in comparison.history)


def test_content_history_learns_who_eats_meat(dishes: dict[str, Dish], comparisons: list[Comparison]) -> None:
    liked = [
        Comparison(f"{each.key}/{copy}", each.person_id, each.at, _liked(each), each.dishes, each.chosen)
        for copy in range(20)
        for each in comparisons
        if each.history
    ]
    scores = baselines.fit_content_history(dishes, liked).scores(dishes, liked)
    for each in liked:
        best = each.dishes[int(np.argmax(scores[each.key]))]
        assert dishes[best].tags == dishes[each.chosen].tags


def test_the_logit_finds_the_maximum_of_its_likelihood(
    dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    traits = baselines.fit_traits(dishes, comparisons)
    features = [np.stack([traits.of(dishes[dish]) for dish in each.dishes]) for each in comparisons]
    chosen = [each.chosen_index for each in comparisons]

    def objective(weights: np.ndarray) -> float:
        fit = sum(
            row[at] @ weights - np.log(np.exp(row @ weights).sum())
            for row, at in zip(features, chosen, strict=True)
        )
        return float(fit - baselines.RIDGE * weights @ weights)

    best = baselines.fit_logit(np.concatenate(features), [len(row) for row in features], chosen)
    for direction in np.eye(len(best)):
        assert objective(best) >= max(objective(best + 0.01 * direction), objective(best - 0.01 * direction))


def test_dishes_without_tags_or_shared_words_give_ties_not_failures(comparisons: list[Comparison]) -> None:
    bare = {f"d{index}": Dish(f"d{index}", str(index)) for index in range(8)}
    for scores in (
        baselines.fit_content_history(bare, comparisons).scores(bare, comparisons),
        baselines.tag_affinity(bare, comparisons),
    ):
        assert all((values == values[0]).all() for values in scores.values())


def test_popularity_knows_nothing_of_new_dishes(comparisons: list[Comparison]) -> None:
    new = replace(comparisons[8], key="new", dishes=("d7", "d5"), chosen="d7")
    scores = baselines.popularity(comparisons[:4], [comparisons[8], new])
    assert scores["new"] == pytest.approx([0.0, 0.0])
    assert scores[comparisons[8].key][1] == pytest.approx(np.log(1 / 5))  # d1: four losses


def test_a_swapped_history_is_another_persons(comparisons: list[Comparison]) -> None:
    last = [each for each in comparisons if each.key.endswith("-3")]
    swapped = {each.key: each for each in baselines.with_history_of_another(last, 0)}
    assert len(swapped) == len(last)
    owners = {each.history: each.person_id for each in last}
    for each in last:
        assert owners[swapped[each.key].history] != each.person_id
        assert swapped[each.key].dishes == each.dishes


def test_nobody_alone_on_a_day_keeps_their_own_history(comparisons: list[Comparison]) -> None:
    last = [each for each in comparisons if each.key.endswith("-3")]
    days = [replace(each, at=each.at + timedelta(days=10 * place)) for place, each in enumerate(last)]
    for cases in days, days[:-1], [*last, days[-1]]:
        owners = {each.history: each.person_id for each in cases}
        swapped = baselines.with_history_of_another(cases, 0)
        assert len(swapped) == len(cases)
        assert all(owners[each.history] != each.person_id for each in swapped)
    (alone,) = baselines.with_history_of_another(last[:1], 0)
    assert not alone.history
