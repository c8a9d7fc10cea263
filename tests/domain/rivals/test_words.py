"""Word vectors are scikit-learn's, and a dish without words is the zero vector."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from components.domain.records import Dish
from components.domain.rivals.words import MAX_DENSE, MAX_DIRECTIONS, word_matrix, word_vectors

WORDS = "Pea stew STEW of борщ Борщ crème brûlée σούπα 14 x-ray snake_case 50g".split()


def _random_dishes(seed: int) -> dict[str, Dish]:
    draw, dishes = random.Random(seed), [Dish("none", "豆腐"), Dish("stew", "pea stew")]
    for number in range(draw.randrange(12)):
        name, text, *lists = (tuple(draw.choices(WORDS, k=draw.randrange(4))) for _ in range(4))
        dishes.append(Dish(str(number), " ".join(name), " ".join(text), "Swiss", *lists))
    return {dish.dish_id: dish for dish in dishes}


@pytest.mark.parametrize("seed", range(5))
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


LETTERS = "abcdefghijklmnopqrstuvwxyz"
MANY = [f"{a}{b}{c}" for a in LETTERS[:7] for b in LETTERS[:7] for c in LETTERS[:7]]  # 343 words


@pytest.mark.parametrize(
    ("words", "drawn"),
    [(["dish", "house"], 2), (["tofu"], 1), ([], 0), (MANY, len(MANY)), (MANY, 5), (MANY[:9], 3)],
)
def test_many_dishes_are_as_near_to_each_other_as_by_all_their_words(words: list[str], drawn: int) -> None:
    draw, order = random.Random(0), tuple(map(str, range(MAX_DENSE + 100)))
    dishes = {name: Dish(name, name, " ".join(draw.sample(words, drawn))) for name in order}
    (vectors, basis), matrix = word_vectors(dishes, order), word_matrix(dishes, order).toarray()
    assert vectors.shape[0] == len(order)
    assert vectors.shape[1] <= max(MAX_DIRECTIONS, 1)
    _, values, rows = np.linalg.svd(matrix, full_matrices=False)
    best = (matrix @ rows[:MAX_DIRECTIONS].T) if values.size else matrix
    assert vectors @ vectors[:50].T == pytest.approx(best @ best[:50].T, abs=1e-6)
    if basis is not None:  # by which a dish of a request gets its vector
        assert matrix @ basis == pytest.approx(vectors, abs=1e-6)
