"""The best plan against all plans of small weeks, and promises that hold whatever the household."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.domain.plan import Conflict, Limit, Lock, Meal, Plan, Request, plan_of
from tests.domain.plan.weeks import (
    EXAMPLES,
    PATIENCE_S,
    best,
    breaches,
    dinner,
    limit,
    solved,
    ways,
    week,
    worths,
)

FAR, UNKNOWN = float("inf"), float("nan")


def _dishes(request: Request) -> list[int]:
    return [served.dish for served in solved(request).served]


def test_each_meal_gets_the_best_dish_and_a_repetition_only_where_it_is_worth_its_cost() -> None:
    two = [dinner(0, [0], [0, 1]), dinner(1, [0], [0, 1])]
    assert sorted(_dishes(week([[0.9, 0.6]], two))) == [0, 1]
    assert _dishes(week([[0.9, 0.3]], two)) == [0, 0]  # 0.9 - 0.5 is more than 0.3
    assert _dishes(week([[0.9, 0.6]], two, repeat_after_days=0)) == [0, 0]


def test_dishes_that_share_a_main_tag_make_room_for_others() -> None:
    tags = np.array([[True], [True], [False]])
    two = [dinner(0, [0], [0, 1, 2]), dinner(1, [0], [0, 1, 2])]
    assert sorted(_dishes(week([[0.9, 0.8, 0.75]], two, main_tags=tags))) == [0, 2]
    assert sorted(_dishes(week([[0.9, 0.8, 0.65]], two, main_tags=tags))) == [0, 1]


def test_what_was_eaten_yesterday_rests_and_comes_back_after_some_days() -> None:
    ago = np.array([[1.0, FAR]])
    assert _dishes(week([[0.9, 0.6]], [dinner(0, [0], [0, 1])], days_ago=ago)) == [1]
    assert _dishes(week([[0.9, 0.6]], [dinner(6, [0], [0, 1])], days_ago=ago)) == [0]


def test_the_least_satisfied_eater_counts_first_where_asked() -> None:
    liking, meals = [[1.0, 0.5], [0.1, 0.5]], [dinner(0, [0, 1], [0, 1])]
    assert _dishes(week(liking, meals)) == [0]
    assert _dishes(week(liking, meals, least_first=True)) == [1]


def test_one_dish_each_and_one_for_all() -> None:
    liking = [[0.9, 0.1], [0.2, 0.8]]
    apart = solved(week(liking, [dinner(0, [0, 1], [0, 1], is_shared=False)]))
    assert [(served.dish, served.eaters) for served in apart.served] == [(0, (0,)), (1, (1,))]
    together = solved(week(liking, [dinner(0, [0, 1], [0, 1])]))
    assert [served.eaters for served in together.served] == [(0, 1)]


def test_an_unknown_amount_counts_as_no_number() -> None:
    kcal = [UNKNOWN, 300.0]
    for is_least, amount in ((False, 5000.0), (True, 0.0)):
        wish = limit("kcal", 0, kcal, amount, is_least=is_least)
        assert _dishes(week([[0.9, 0.1]], [dinner(0, [0], [0, 1])], limits=(wish,))) == [1]
    of_another = limit("kcal", 1, kcal, 5000.0)
    meals = [dinner(0, [0, 1], [0, 1], is_shared=False)]
    plan = solved(week([[0.9, 0.1], [0.9, 0.1]], meals, limits=(of_another,)))
    assert [served.dish for served in plan.served] == [0, 1]


def test_portions_reach_what_whole_servings_miss() -> None:
    wish = limit("kcal", 0, [800.0], 1200.0, is_least=True)
    meal = dinner(0, [0], [0], portions=(0.5, 1.0, 1.5))
    assert [served.portion for served in solved(week([[0.5]], [meal], limits=(wish,))).served] == [1.5]
    assert [served.portion for served in solved(week([[0.5]], [meal])).served] == [1.0]


def _conflict(request: Request) -> Conflict:
    answer = plan_of(request, lambda: PATIENCE_S)
    assert isinstance(answer, Conflict), answer
    return answer


def test_contradictory_wishes_are_named_without_innocent_ones_and_with_the_least_change() -> None:
    protein, kcal = [20.0, 54.0], [300.0, 900.0]
    wishes = (
        limit("kcal", 0, kcal, 2000.0),
        limit("protein_g", 0, protein, 60.0, is_least=True),
        limit("fish", 0, [1, 0], 1, is_daily=False),
    )
    found = _conflict(week([[0.5, 0.5]], [dinner(0, [0], [0, 1])], limits=wishes))
    assert [wish.name for wish in found.wishes if isinstance(wish, Limit)] == ["protein_g"]
    assert (found.is_irreducible, found.change, found.amount) == (True, wishes[1], pytest.approx(54))
    both = (limit("kcal", 0, kcal, 880.0), limit("protein_g", 0, protein, 50.0, is_least=True))
    found = _conflict(week([[0.5, 0.5]], [dinner(0, [0], [0, 1])], limits=both))
    assert (found.wishes, found.change, found.amount) == (both, both[0], pytest.approx(900))


def test_a_lock_that_is_not_permitted_and_a_meal_without_dishes_are_reasons() -> None:
    meal = dinner(0, [0, 1], [0, 1], locked=(1,))
    may = np.array([[True, True], [True, False]])
    found = _conflict(week([[0.5, 0.5]] * 2, [meal], permitted=may))
    assert (found.wishes, found.change, found.amount) == ((Lock(0, 1),), Lock(0, 1), None)
    assert _conflict(week([[0.5]], [dinner(0, [0], [])])).short_meals == (0,)
    two = dinner(0, [0], [0], dishes=2, portions=(0.5, 1.0))
    assert _conflict(week([[0.5]], [two])).short_meals == (0,)
    apart, much = dinner(0, [0, 1], [0], is_shared=False), limit("kcal", 0, [0.0], 100.0, is_least=True)
    found = _conflict(week([[0.5]] * 2, [apart], permitted=np.array([[True], [False]]), limits=(much,)))
    assert (found.short_meals, found.wishes) == ((0,), ())  # no wish of the first one's would help


def test_a_locked_dish_need_not_be_in_the_pool() -> None:
    assert _dishes(week([[0.9, 0.1]], [dinner(0, [0], [0], locked=(1,))])) == [1]


def test_no_meals_and_no_time() -> None:
    assert solved(week([[0.5]], [])).served == ()
    assert solved(week([[0.5]], [dinner(0, [], [0], is_shared=False)])).served == ()
    assert plan_of(week([[0.5]], [dinner(0, [0], [0])]), lambda: 0.0) is None


def test_time_that_ends_the_search_is_said_with_the_gap() -> None:
    request = _large(3_000, 3)
    clock = iter([9.0] * 40)
    plan = plan_of(replace(request, enough=0.0), lambda: min(next(clock, -1.0), 1.0))
    assert isinstance(plan, Plan)
    assert not breaches(request, plan.served)
    assert plan.stopped_early or plan.is_optimal


def _large(dishes: int, seed: int) -> Request:
    draw = np.random.default_rng(seed)
    kcal = draw.uniform(100, 900, dishes)
    meals = [dinner(day, [0, 1], range(dishes)) for day in range(3)]
    wishes = tuple(limit("kcal", eater, kcal, 500.0) for eater in range(2))
    return week(
        draw.uniform(0, 1, (2, dishes)), meals, limits=wishes, main_tags=draw.random((dishes, 3)) < 0.3
    )


def test_dishes_of_a_large_catalogue_that_are_left_out_would_not_have_been_better() -> None:
    request = _large(1_200, 1)  # 3,600 columns, which are priced
    few = np.argsort(-request.liking.mean(axis=0))[:500]  # 1,500 columns, which are solved at once
    small = replace(request, meals=tuple(replace(meal, pool=np.sort(few)) for meal in request.meals))
    priced, whole = solved(request), solved(small)
    assert priced.is_optimal
    assert whole.is_optimal
    assert priced.worth == pytest.approx(whole.worth, abs=1e-4)


@st.composite
def requests(draw: st.DrawFn, most: int = 4) -> Request:
    """Households and catalogues small enough to try everything; twins, empty pools and all."""
    people, dishes = draw(st.integers(1, 2)), draw(st.integers(1, most))
    numbers = st.integers(0, 10).map(lambda number: number / 10)
    liking = draw(
        st.lists(st.lists(numbers, min_size=dishes, max_size=dishes), min_size=people, max_size=people)
    )
    some = st.lists(st.integers(0, dishes - 1), unique=True)
    eaters = st.lists(st.integers(0, people - 1), min_size=1, unique=True).map(sorted)
    portions = st.sampled_from([(1.0,), (0.5, 1.0)])
    meals = draw(
        st.lists(
            st.builds(
                dinner, st.integers(0, 3), eaters, some, dishes=st.integers(1, 2), is_shared=st.booleans(),
                portions=portions, locked=st.lists(st.integers(0, dishes - 1), max_size=1).map(tuple),
            ),
            min_size=1, max_size=3,
        )
    )  # fmt: skip
    values = st.lists(st.sampled_from([0.0, 100.0, 250.0, UNKNOWN]), min_size=dishes, max_size=dishes)
    limits = st.builds(
        limit, st.just("kcal"), st.integers(0, people - 1), values, st.sampled_from([0.0, 100.0, 300.0]),
        is_least=st.booleans(), is_daily=st.booleans(), by_portion=st.booleans(),
        meals=st.lists(st.integers(0, len(meals) - 1), max_size=2, unique=True).map(tuple),
    )  # fmt: skip
    truth = st.sampled_from([True, True, True, False])
    table = [[draw(truth) for _ in range(dishes)] for _ in range(people)]
    tags = np.array([[draw(st.booleans())] for _ in range(dishes)])
    ago = np.array(
        [[draw(st.sampled_from([FAR, FAR, 1.0, 5.0])) for _ in range(dishes)] for _ in range(people)]
    )
    return week(
        liking, meals, days=4, permitted=np.array(table), limits=tuple(draw(st.lists(limits, max_size=2))),
        main_tags=tags, days_ago=ago, repeat_after_days=draw(st.sampled_from([0, 1, 2, 7])),
        least_first=draw(st.booleans()),
    )  # fmt: skip


@given(requests().filter(lambda request: ways(request) <= 600))
@settings(max_examples=EXAMPLES)
def test_no_plan_is_better_and_a_contradiction_is_one(request: Request) -> None:
    answer, most = plan_of(request, lambda: PATIENCE_S), best(request)
    if isinstance(answer, Plan):
        assert most is not None
        own = worths(request, answer.served)
        assert answer.worth == pytest.approx(sum(own) / len(own), abs=1e-6)
        assert answer.is_optimal
        assert answer.worth == pytest.approx(most, abs=2e-4)
    else:
        assert isinstance(answer, Conflict)
        assert most is None


@given(requests(most=6))
@settings(max_examples=EXAMPLES)
def test_a_plan_breaks_nothing_and_is_the_same_again_or_there_is_a_reason(request: Request) -> None:
    answer = plan_of(request, lambda: PATIENCE_S)
    if isinstance(answer, Plan):
        assert breaches(request, answer.served) == []
        assert answer == plan_of(request, lambda: PATIENCE_S)
    else:
        assert isinstance(answer, Conflict)
        assert answer.wishes or answer.short_meals


@given(requests().filter(lambda request: ways(request) <= 600))
def test_every_wish_of_a_contradiction_is_needed_and_its_change_helps(request: Request) -> None:
    answer = plan_of(request, lambda: PATIENCE_S)
    if not isinstance(answer, Conflict) or answer.short_meals:
        return
    assert best(_with_wishes(request, answer.wishes)) is None
    for wish in answer.wishes:
        assert best(_with_wishes(request, [each for each in answer.wishes if each != wish])) is not None
    if answer.change is not None:
        others = [each for each in _wishes(request) if each != answer.change]
        if isinstance(answer.change, Limit) and answer.amount is not None:
            others.append(replace(answer.change, amount=answer.amount))
        changed = _with_wishes(request, others)
        assert any(
            best(_eaten_by(changed, eaters)) is not None for eaters in _together(request, answer.change)
        )


def _together(request: Request, wish: Limit | Lock) -> list[tuple[int, ...]]:
    """The eaters whose plan depends on a wish; each group of them alone."""
    everybody = tuple(range(len(request.liking)))
    if any(meal.is_shared and len(meal.eaters) > 1 for meal in request.meals):
        return [everybody]
    return (
        [(wish.eater,)]
        if isinstance(wish, Limit)
        else [(eater,) for eater in request.meals[wish.meal].eaters]
    )


def _eaten_by(request: Request, eaters: tuple[int, ...]) -> Request:
    if len(eaters) == len(request.liking):
        return request
    kept = [tuple(set(meal.eaters) & set(eaters)) for meal in request.meals]
    meals = tuple(
        replace(meal, eaters=eats, is_shared=False) for meal, eats in zip(request.meals, kept, strict=True)
    )
    limits = tuple(limit for limit in request.limits if limit.eater in eaters)
    return replace(request, meals=meals, limits=limits)


def _wishes(request: Request) -> list[Limit | Lock]:
    return [*request.limits, *request.locks]


def _with_wishes(request: Request, wishes: list[Limit | Lock] | tuple[Limit | Lock, ...]) -> Request:
    """The request with these wishes alone; a dish that was locked stays in the pool."""
    meals = [
        replace(
            meal,
            pool=np.union1d(meal.pool, np.array(meal.locked, np.int64)).astype(np.int64),
            locked=tuple(wish.dish for wish in wishes if isinstance(wish, Lock) and wish.meal == index),
        )
        for index, meal in enumerate(request.meals)
    ]
    limits = tuple(wish for wish in wishes if isinstance(wish, Limit))
    return replace(request, meals=tuple(meals), limits=limits)


def test_twins_are_told_apart_by_their_place_alone() -> None:
    request = week([[0.5] * 5], [dinner(day, [0], range(5)) for day in range(5)])
    dishes = _dishes(request)
    assert sorted(dishes) == [0, 1, 2, 3, 4]
    assert [_dishes(request) for _ in range(3)] == [dishes] * 3


def test_a_longer_rest_never_makes_a_plan_worth_more() -> None:
    meals = [Meal("lunch", day, (0,), np.arange(3)) for day in range(6)]
    worth = [solved(week([[0.9, 0.7, 0.5]], meals, repeat_after_days=days)).worth for days in (0, 2, 6)]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(worth))
