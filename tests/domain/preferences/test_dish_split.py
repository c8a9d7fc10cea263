"""A hidden dish is in no training, no history and nobody's log; the test asks for it against both kinds."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.domain.errors import DataRejected
from components.domain.preferences.dish_split import dish_fold, only_new, split_by_dish
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.splits import Split
from tests.domain.preferences.opinion_logs import Line, log_of
from tests.domain.rivals.tastes import NOW

MENUS = {"m": ("a", "b", "c", "d"), "n": ("e", "f", "a", "b")}
DISHES = "abcdefgh"
PEOPLE = st.sampled_from(["ada", "bob", "eve"])
RATINGS = st.builds(
    Line,
    PEOPLE,
    st.sampled_from(DISHES),
    st.integers(0, 9).map(lambda day: NOW + timedelta(days=day)),
    rating=st.integers(1, 5).map(float),
    source=st.sampled_from(["one", "other"]),
)
CHOICES = st.builds(
    lambda person, menu, position, day: Line(
        person, MENUS[menu][position], NOW + timedelta(days=day), menu_id=menu, source="one"
    ),
    PEOPLE,
    st.sampled_from(list(MENUS)),
    st.integers(0, 3),
    st.integers(0, 9),
)
LOGS = st.lists(st.one_of(RATINGS, CHOICES), min_size=20, max_size=80).map(lambda lines: log_of(lines, MENUS))


def _split(log: OpinionLog, fold: int = 0) -> tuple[Split, np.ndarray]:
    hidden = dish_fold(log, 0.5, fold, 0)
    return split_by_dish(log, hidden, frozenset(), 1, 0), hidden


@settings(max_examples=60)
@given(LOGS, st.integers(0, 1))
def test_what_anyone_thought_of_a_hidden_dish_is_read_nowhere(log: OpinionLog, fold: int) -> None:
    try:
        split, hidden = _split(log, fold)
    except DataRejected:
        return
    assert not hidden[split.train.log.dish[split.may_know]].any()
    assert not hidden[split.train.offered].any()
    for half in (split.train, split.test):
        assert not hidden[half.log.dish[half.lines.line]].any()
        assert len(set(half.key)) == len(half)
    read = {*split.train.offered.tolist(), *split.train.log.dish.tolist()}
    for comparison, new in zip(range(len(split.test)), only_new(split), strict=True):
        dishes = set(split.test.take([comparison]).offered.tolist())
        assert bool(dishes & read) != new
        assert hidden[list(dishes)].any()


@settings(max_examples=40)
@given(LOGS)
def test_what_a_comparison_says_of_its_dishes_is_not_in_its_history(log: OpinionLog) -> None:
    """Where nothing was judged twice: a dish that is asked about may have been judged before."""
    lines = {
        (person, dish): line for line, (person, dish) in enumerate(zip(log.person, log.dish, strict=True))
    }
    once = log.take(np.array(sorted(lines.values())))
    try:
        split, _ = _split(once)
    except DataRejected:
        return
    read = set(zip(split.train.log.person.tolist(), split.train.log.dish.tolist(), strict=True))
    for half in (split.train, split.test):
        for number, comparison in enumerate(half):
            about = {comparison.chosen} if half.menu[number] >= 0 else set(comparison.dishes)
            assert not about & {past.dish_id for past in comparison.history}
            if half is split.test:  # nor has anything been fitted to it
                codes = {half.log.dishes.index(dish) for dish in about}
                assert not {(int(half.person[number]), code) for code in codes} & read


def test_a_dish_stays_in_its_fold_when_others_come() -> None:
    few = log_of([Line("ada", dish, NOW, rating=3.0) for dish in DISHES[:4]], {})
    many = log_of([Line("ada", dish, NOW, rating=3.0) for dish in DISHES], {})
    for fold in range(4):
        of_few = dict(zip(few.dishes, dish_fold(few, 0.25, fold, 0), strict=True))
        of_many = dict(zip(many.dishes, dish_fold(many, 0.25, fold, 0), strict=True))
        assert of_few.items() <= of_many.items()


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_every_dish_is_in_one_fold(share: float) -> None:
    log = log_of([Line("ada", dish, NOW, rating=3.0) for dish in DISHES], {})
    folds = [dish_fold(log, share, fold, 3) for fold in range(max(2, round(1 / share)))]
    assert (np.sum(folds, axis=0) == 1).all()


def test_an_offer_holds_no_hidden_dish_in_training_and_only_hidden_ones_in_the_test() -> None:
    lines = [Line(f"p{n}", dish, NOW, menu_id="m") for n in range(20) for dish in "abcd"]
    lines = [
        Line(line.person_id, line.dish_id, NOW + timedelta(days=n), menu_id="m")
        for n, line in enumerate(lines)
    ]
    log = log_of(lines, MENUS)
    hidden = np.isin(np.array(log.dishes, object), ["c", "d"])
    split = split_by_dish(log, hidden, frozenset(), 1, 0)
    assert {each.dishes for each in split.train} == {("a", "b")}
    new = split.test.take(np.flatnonzero(only_new(split)))
    assert {each.dishes for each in new} == {("c", "d")}
    mixed = split.test.take(np.flatnonzero(~only_new(split)))
    assert {each.dishes for each in mixed} == {("a", "b", "c", "d")}


@pytest.mark.parametrize("all_hidden", [True, False])
def test_hiding_all_or_nothing_is_one_sentence(all_hidden: bool) -> None:
    log = log_of([Line("ada", dish, NOW, rating=float(n)) for n, dish in enumerate(DISHES)], {})
    with pytest.raises(DataRejected, match=r"Hiding \d of 8 dishes leaves .*split\.fold"):
        split_by_dish(log, np.full(8, all_hidden), frozenset(), 1, 0)
