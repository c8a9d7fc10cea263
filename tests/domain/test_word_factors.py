"""Factors on words or tags that a service asks give the night's scores, also of new dishes."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table, question_table
from components.domain.ranker.factors import Dishes
from components.domain.ranker.fit_factors import Fitted, fit_factors
from components.domain.ranker.prompts import Reading
from components.domain.records import Comparison, Dish, Past
from components.domain.rivals.rules import Traits
from components.domain.rivals.words import vocabulary_of, word_vectors
from components.domain.word_factors import WordFactors
from components.integrations import rule_files
from tests.domain.rivals.tastes import NOW, accuracy

KINDS = ("soup", "cake")


def _dish(number: int) -> Dish:
    kind = KINDS[number % 2]
    return Dish(f"d{number:02}", f"{kind} with {'abcdefghijklmnopqrstuvwxyz'[number % 26] * 4}", tags=(kind,))


DISHES = {dish.dish_id: dish for dish in map(_dish, range(30))}


@pytest.fixture(scope="module", params=["words", "tags"])
def asked(request: pytest.FixtureRequest) -> tuple[Fitted, WordFactors]:
    draw, comparisons = random.Random(0), []
    for person in range(120):
        likes = person % 2
        liked, other = ([f"d{n:02}" for n in range(24) if n % 2 == kind] for kind in (likes, 1 - likes))
        past = tuple(Past(dish, 1) for dish in draw.sample(liked, 4))
        left = [dish for dish in liked if dish not in {line.dish_id for line in past}]
        pair = (draw.choice(left), draw.choice(other))
        comparisons.append(Comparison(f"p{person:03}", past, pair, f"c{person}", NOW, pair[0]))
    train = comparison_table(comparisons)
    order, dishes = train.log.dishes, tuple(DISHES[dish] for dish in train.log.dishes)
    tags = KINDS if request.param == "tags" else None
    vectors, basis = word_vectors(DISHES, order)
    table = Traits(KINDS, ()).table(DISHES, order) if tags else vectors
    everything = np.ones(len(train.log), bool)
    fitted = fit_factors(Dishes(table, np.arange(len(order))), train, everything, "person", 8)
    names = [(number,) for number in range(len(order))]
    head = fitted.factors.head(fitted.noise, fitted.weights, names, Reading())
    return fitted, WordFactors(
        "factors", head, dishes, vocabulary_of(dishes), tags, basis if not tags else None
    )


def test_they_find_the_taste_also_among_dishes_that_nobody_has_judged(
    asked: tuple[Fitted, WordFactors], tmp_path: Path
) -> None:
    _, model = asked
    new = [
        Comparison("x", (Past("d00", 1), Past("d02", 1)), ("d25", "d26"), "soup", NOW, "d26"),
        Comparison("y", (Past("d01", 1), Past("d03", 1)), ("d25", "d26"), "cake", NOW, "d25"),
    ]
    table = comparison_table(new)
    scores = model.scores(table, DISHES)
    assert accuracy(scores, table) == 1.0
    rule_files.save(model, tmp_path)
    again = rule_files.load(tmp_path)
    assert again.scores(table, DISHES) == pytest.approx(scores)
    assert (again.knows(DISHES["d00"]), again.knows(DISHES["d25"])) == (True, False)


def test_they_give_the_scores_of_the_fit(asked: tuple[Fitted, WordFactors]) -> None:
    fitted, model = asked
    order = tuple(dish.dish_id for dish in model.dishes)
    past = (Past("d00", 1), Past("d03", -1))
    question = Comparison("x", past, ("d04", "d05", "d10"), "c", NOW, "d04")
    everything = [Comparison("w", tuple(Past(dish, 1) for dish in order), ("d04", "d05"), "w", NOW, "d04")]
    table = comparison_table([*everything, question])
    expected = fitted.scores(table)[-3:]
    assert model.scores(question_table([question]), DISHES) == pytest.approx(expected, abs=1e-4)
