"""A person is told that the model knows them if it does, and at most one in twenty if it does not."""

from __future__ import annotations

from itertools import product
from math import factorial, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from components.domain.preferences.arrays import Bools, Floats
from components.domain.ranker.left_out_pairs import PersonOpinions, permuted, shares_right
from components.domain.ranker.more_opinions import (
    LEVEL,
    could_tell,
    least_more,
    opinions_until_shown,
    share_shown,
)
from components.domain.ranker.person_ranking import (
    accuracy_and_chance,
    expected_accuracy,
    is_significant,
    judge,
)

SIZE, DISHES = 16, 80
LIKES = (1.1, 0.37)  # evidence and information of a like that lie nearest to how `_person` likes


def _factors(draw: np.random.Generator, count: int = DISHES) -> Floats:
    """Factors of dishes, of which the first explain most, as those of a language model do."""
    variances = 1 / np.arange(1, SIZE + 1)
    return draw.normal(size=(count, SIZE)) * np.sqrt(variances / variances.sum())


def _person(draw: np.random.Generator, noise: float, *, rates: bool) -> PersonOpinions:
    """A person whose tastes the model's prior has, with opinions on all dishes, in stars or as likes."""
    factors = _factors(draw)
    utility = factors @ draw.normal(size=SIZE) + draw.normal(size=DISHES) * noise**0.5
    liked = np.clip(np.round(1.2 * utility), -2, 2) if rates else np.where(utility > 0, 1.0, -1.0)
    return PersonOpinions(factors, liked, np.full(DISHES, rates), noise, LIKES)


def _first(opinions: PersonOpinions, count: int) -> PersonOpinions:
    return PersonOpinions(
        opinions.factors[:count], opinions.liked[:count], opinions.is_rated[:count], opinions.noise, LIKES
    )


def _of(liked: list[float], *, rated: bool = False) -> PersonOpinions:
    factors = _factors(np.random.default_rng(len(liked)), len(liked))
    return PersonOpinions(factors, np.array(liked, float), np.full(len(liked), rated), 1.0, LIKES)


@pytest.mark.parametrize("rates", [True, False])
def test_of_people_who_opinion_at_random_one_in_twenty_passes_at_most(*, rates: bool) -> None:
    draw, people, passed = np.random.default_rng(1), 400, 0
    for _ in range(people):
        person = _first(_person(draw, 1.0, rates=rates), int(draw.integers(6, 30)))
        liked = permuted(person.liked[None], person.is_rated, draw)[0]
        at_random = PersonOpinions(person.factors, liked, person.is_rated, person.noise, LIKES)
        passed += judge(at_random, person.factors[:0]).better_than_chance or False
    assert passed <= binom.ppf(0.999, people, LEVEL)
    assert passed > 0  # a test that nobody can pass would hold as well


def test_a_person_with_clear_tastes_is_known_and_told_so() -> None:
    person = _person(np.random.default_rng(2), 0.1, rates=False)
    told = judge(person, person.factors[:0])
    assert (told.better_than_chance, told.more_opinions) == (True, None)
    assert told.pairs == (person.liked > 0).sum() * (person.liked < 0).sum()
    assert told.accuracy == accuracy_and_chance(person)[0] > 0.7
    assert told.sentence.startswith("Better than chance: ")
    assert f"{told.accuracy:.0%} of {told.pairs:,} pairs" in told.sentence


@pytest.mark.parametrize(
    ("opinions", "more"),
    [
        (_of([]), 6),
        (_of([1]), 5),
        (_of([1] * 9), 2),  # 9 likes and 2 dislikes have 55 orders
        (_of([1] * 19), 1),
        (_of([3] * 8, rated=True), 2),
    ],
    ids=["nothing", "one opinion", "likes alone", "many likes", "equal ratings"],
)
def test_without_a_better_and_a_worse_dish_nothing_can_be_told(opinions: PersonOpinions, more: int) -> None:
    told = judge(opinions, _factors(np.random.default_rng(0)))
    assert (told.better_than_chance, told.pairs, told.accuracy, told.more_opinions) == (None, 0, None, more)
    assert told.sentence.startswith("Cannot be told: no dish was liked more than another one. At least ")
    assert f"At least {more} more opinion{'s are' if more > 1 else ' is'} needed." in told.sentence


def test_too_few_opinions_are_told_from_none() -> None:
    told = judge(_of([1, 1, -1, -1]), _factors(np.random.default_rng(0)))
    assert (told.better_than_chance, told.pairs, told.more_opinions) == (False, 4, 2)
    assert "too few opinions" in told.sentence


def _orders(liked: list[int]) -> float:
    return factorial(len(liked)) / prod(factorial(liked.count(value)) for value in set(liked))


@given(st.lists(st.sampled_from([-1, 1]), max_size=12))
def test_the_least_number_is_the_first_with_twenty_orders(liked: list[int]) -> None:
    least = least_more(np.array(liked, float), np.zeros(len(liked), bool))
    best = [max(_orders([*liked, *more]) for more in product([-1, 1], repeat=n)) for n in range(least + 1)]
    assert [count >= 1 / LEVEL for count in best] == [False] * least + [True]


def test_likes_and_ratings_each_count_for_themselves() -> None:
    liked, rated = np.array([1, 1, -1, 4, 2, 2], float), np.array([0, 0, 0, 1, 1, 1], bool)
    assert least_more(liked, rated) == 1  # 3 * 3 orders, and 3 * 12 with one more rating
    assert least_more(liked[:3], rated[:3]) == 3
    assert least_more(liked[3:], rated[3:]) == 2  # 60 orders with two ratings that nobody gave before
    assert least_more(np.arange(4.0), np.ones(4, bool)) == 0


def test_at_chance_nobody_says_how_many_more_it_takes() -> None:
    draw, accuracy = np.random.default_rng(3), 1.0
    while accuracy > 0.5:
        person = _of(draw.choice([1, -1], 30).tolist())
        accuracy = accuracy_and_chance(person)[0]
    told = judge(person, person.factors)
    assert (told.better_than_chance, told.more_opinions) == (False, None)
    assert told.sentence.endswith("How many more opinions it takes is unknown.")


@pytest.mark.parametrize("rates", [True, False])
def test_the_predicted_share_is_the_observed_one(*, rates: bool) -> None:
    """People drawn from the model's prior, 12 opinions each, and 14 more."""
    draw, predicted, observed = np.random.default_rng(4), [], []
    while len(predicted) < 120:
        person = _person(draw, 1.0, rates=rates)
        if least_more(person.liked[:12], person.is_rated[:12]):
            continue
        predicted.append(share_shown(_first(person, 12), person.factors[40:54]))
        observed.append(is_significant(*accuracy_and_chance(_first(person, 26))))
    error = np.std(observed) / len(observed) ** 0.5
    assert abs(np.mean(predicted) - np.mean(observed)) < 0.05 + 2 * error
    assert 0.2 < np.mean(observed) < 0.8  # else a constant would do


def test_the_number_of_more_opinions_is_the_first_that_is_enough() -> None:
    draw = np.random.default_rng(6)
    person = _first(_person(draw, 1.0, rates=True), 12)
    more, share = opinions_until_shown(person, _factors(draw, 200))
    assert more is not None
    assert share >= 0.5
    assert opinions_until_shown(person, person.factors[:4]) == (None, 0.0)  # nothing is left to judge


def _spread(liked: Floats, is_rated: Bools, draw: np.random.Generator) -> float:
    opinions = PersonOpinions(_factors(draw, len(liked)), liked, is_rated, 1.0, LIKES)
    rows = permuted(np.tile(liked, (600, 1)), is_rated, draw)
    return float(shares_right(opinions, rows).std())


@pytest.mark.parametrize(
    "liked", [[1.0] * 30 + [-1.0] * 30, list(range(60)), [1, 2, 3, 4, 5] * 12, [1.0] * 52 + [-1.0] * 8]
)
def test_what_could_be_told_follows_the_spread_of_permutations(liked: list[float]) -> None:
    values, rated = np.array(liked, float) - np.mean(liked), np.ones(60, bool)
    needed = 1.645 * _spread(values, rated, np.random.default_rng(5))
    assert could_tell(values, rated, 0.5 + 1.25 * needed)
    assert not could_tell(values, rated, 0.5 + 0.8 * needed)


def test_nobody_with_too_few_opinions_could_be_told() -> None:
    assert not could_tell(np.array([1.0, -1.0]), np.zeros(2, bool), 1.0)
    assert not could_tell(np.ones(50), np.zeros(50, bool), 1.0)


@pytest.mark.parametrize("known", [0, 5, 20, 60])
@pytest.mark.parametrize("noise", [0.1, 1.0, 10.0])
def test_as_many_pairs_of_ratings_come_out_right_as_are_expected(noise: float, known: int) -> None:
    draw, expected, observed = np.random.default_rng(3), [], []
    for _ in range(120):
        factors, others, taste = _factors(draw, known), _factors(draw, 40), draw.normal(size=SIZE)
        said, says = (each @ taste + draw.normal(size=len(each)) * noise**0.5 for each in (factors, others))
        person = PersonOpinions(factors, said, np.ones(known, bool), noise, LIKES)
        order = others @ person.posterior[0]
        first, second = np.triu_indices(len(others), 1)
        won = np.sign(order[first] - order[second]) * np.sign(says[first] - says[second])
        expected.append(expected_accuracy(person, others))
        observed.append(0.5 + won.mean() / 2)
    assert np.mean(expected) == pytest.approx(np.mean(observed), abs=0.02)
    assert np.mean(expected) == 0.5 if not known else np.mean(expected) > 0.5


def test_of_two_dishes_the_expected_share_is_that_of_the_normal_distribution() -> None:
    person = PersonOpinions(np.array([[1.0]]), np.array([2.0]), np.array([True]), 1.0, LIKES)
    # The weight is 1 with a variance of 0.5: so the two ratings differ by 2 with a variance of 4 x 0.5 + 2.
    assert expected_accuracy(person, np.array([[2.0], [0.0]])) == pytest.approx(0.8413, abs=1e-4)
