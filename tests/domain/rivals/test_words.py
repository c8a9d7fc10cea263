"""Word vectors are scikit-learn's, and a dish without words is the zero vector."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from components.domain.records import Dish
from components.domain.rivals.words import word_matrix

WORDS = "Pea stew STEW of борщ Борщ crème brûlée σούπα 14 x-ray snake_case 50g".split()


def _random_dishes(seed: int) -> dict[str, Dish]:
    draw, dishes = random.Random(seed), [Dish("none", "豆腐"), Dish("stew", "pea stew")]
    for number in range(draw.randrange(12)):
        name, text, *lists = (tuple(draw.choices(WORDS, k=draw.randrange(4))) for _ in range(4))
        dishes.append(Dish(str(number), " ".join(name), " ".join(text), "Swiss", *lists))
    return {dish.dish_id: dish for dish in dishes}


@pytest.mark.parametrize("seed", range(20))
def test_vectors_are_those_of_scikit_learn_whatever_the_order(seed: int) -> None:
    dishes = _random_dishes(seed)
    order = tuple(random.Random(seed).sample(list(dishes), len(dishes)))
    ordered = [dishes[name] for name in order]
    texts = [" ".join((dish.name, dish.description, *dish.tags, *dish.ingredients)) for dish in ordered]
    present = CountVectorizer(analyzer=_letters, binary=True).fit_transform(texts).toarray()
    expected = normalize(present * np.log(len(order) / present.sum(0)))
    assert word_matrix(dishes, order).toarray() == pytest.approx(expected)


def _letters(text: str) -> list[str]:
    """Runs of three letters or more, in lower case."""
    parts = "".join(char if char.isalpha() else " " for char in text.lower()).split()
    return [part for part in parts if len(part) >= 3]


def test_twins_have_one_vector_and_a_word_that_all_share_says_nothing() -> None:
    dishes = {name: Dish(name, text) for name, text in (("a", "pea soup"), ("b", "Soup, PEA"), ("c", "soup"))}
    assert word_matrix(dishes, ("a", "c", "b")).toarray().tolist() == [[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("names", [(), ("Soup",), ("豆腐", "14"), ("豆腐",)])
def test_dishes_that_no_word_tells_from_others_are_zero_vectors(names: tuple[str, ...]) -> None:
    matrix = word_matrix({name: Dish(name, name) for name in names}, names)
    assert matrix.shape[0] == len(names)
    assert not matrix.toarray().any()
