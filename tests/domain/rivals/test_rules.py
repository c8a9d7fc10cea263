"""The rules must be as good as they can be: a weak rival is no evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from components.domain.preferences.comparisons import compare
from components.domain.preferences.from_records import comparison_table
from components.domain.records import Comparison, Dish, Past
from components.domain.rivals import rules
from components.domain.rivals.pairs import pairs_of
from tests.conftest import by_key
from tests.domain.preferences.opinion_logs import Line, log_of
from tests.domain.rivals.tastes import NOW


def _liked(comparison: Comparison) -> tuple[Past, ...]:
    return tuple(Past(past.dish_id, 1) for past in comparison.history)


def test_content_history_learns_who_eats_meat(dishes: dict[str, Dish], comparisons: list[Comparison]) -> None:
    liked = [
        replace(comparison, key=f"{comparison.key}/{copy}", history=_liked(comparison))
        for copy in range(20)
        for comparison in comparisons
        if comparison.history
    ]
    table = comparison_table(liked)
    scores = by_key(rules.fit_content_history(dishes, table).scores(dishes, table), table)
    for comparison in liked:
        best = comparison.dishes[int(np.argmax(scores[comparison.key]))]
        assert dishes[best].tags == dishes[comparison.chosen].tags


def test_dishes_without_tags_or_shared_words_give_ties_not_failures(comparisons: list[Comparison]) -> None:
    bare, table = (
        {f"d{index}": Dish(f"d{index}", str(index)) for index in range(8)},
        comparison_table(comparisons),
    )
    for scores in (
        rules.fit_content_history(bare, table).scores(bare, table),
        rules.tag_affinity(bare, table),
    ):
        assert all((values == values[0]).all() for values in by_key(scores, table).values())


def test_popularity_knows_nothing_of_new_dishes(comparisons: list[Comparison]) -> None:
    new = replace(comparisons[8], key="new", dishes=("d7", "d5"), chosen="d7")
    table = comparison_table([*comparisons, new])
    scores = by_key(rules.popularity(table.take(range(4)), table.take([8, 12])), table.take([8, 12]))
    assert scores["new"] == pytest.approx([0.0, 0.0])
    assert scores[comparisons[8].key][1] == pytest.approx(
        np.log(1 / 2)
    )  # d1: four losses of one person count as one


def test_the_usual_is_what_was_had_often_and_lately() -> None:
    days = [NOW + timedelta(days=day) for day in range(5)]
    dishes = ("d1", "d2", "d1", "d3")
    lines = [Line("x", dish, day, menu_id="m") for dish, day in zip(dishes, days, strict=False)]
    lines.append(Line("x", "d1", days[-1], menu_id="n"))
    log = log_of(lines, {"m": ("d1", "d2", "d3"), "n": ("d1", "d2", "d3", "d4")})
    table = compare(log, 0)
    pairs = pairs_of(table.take(np.flatnonzero(table.at == table.at.max())))
    often = pairs.on_offer(rules.usual(pairs, 1e9))
    assert often == pytest.approx([2, 1, 1, 0])
    lately = pairs.on_offer(rules.usual(pairs, 1.0))
    assert lately == pytest.approx([1 / 2 + 1 / 8, 1 / 4, 1, 0])


def test_tag_affinity_is_the_mean_share_of_a_dishes_tags(dishes: dict[str, Dish]) -> None:
    history = (Past("d0", 1), Past("d1", 1), Past("d4", -1))
    (of_d5, of_d2) = rules.tag_affinity(
        dishes, comparison_table([Comparison("x", history, ("d5", "d2"), "x", NOW, "d5")])
    )
    assert (of_d5, of_d2) == pytest.approx((-1 / 4, 2 / 4))
