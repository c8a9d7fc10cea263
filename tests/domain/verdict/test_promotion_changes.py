"""Changes of a promotion against counting them person by person."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.arrays import Bools, Floats
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison, Dish
from components.domain.verdict.promotion_changes import as_markdown, promotion_changes

DISHES = {f"d{number}": Dish(f"d{number}", f"Dish {number}") for number in range(6)}
AT = datetime(2026, 1, 1, tzinfo=UTC)


def _test(menus: list[tuple[int, list[int]]]) -> list[Comparison]:
    return [
        Comparison(f"p{person}", (), tuple(f"d{dish}" for dish in menu), f"k{number}", AT, f"d{menu[0]}")
        for number, (person, menu) in enumerate(menus)
    ]


def _only(part: Bools, table: Comparisons, *scores: Floats) -> list[Floats]:
    """The scores of a part of the test, as if nothing else had any."""
    return [np.where(part[table.owner], each, np.nan) for each in scores]


MENUS = st.lists(
    st.tuples(st.integers(0, 3), st.lists(st.integers(0, 5), min_size=2, max_size=6, unique=True)),
    min_size=1,
    max_size=8,
)


@given(MENUS, st.integers(0, 99))
def test_the_changes_are_those_of_counting(menus: list[tuple[int, list[int]]], seed: int) -> None:
    comparisons = _test(menus)
    table = comparison_table(comparisons)
    rng = np.random.default_rng(seed)
    new, old = rng.normal(size=(2, len(table.offered))).round(1)
    part = rng.random(len(table)) < 0.5
    found = promotion_changes(table, DISHES, new, old, "rule", {"part": part})
    assert found is not None
    alone = promotion_changes(table, DISHES, *_only(part, table, new, old), "rule", {})
    assert found.slices == ({"part": alone.everybody} if alone else {})
    firsts, threes, gains = [], [], dict.fromkeys(range(6), 0)
    owner = np.repeat(np.arange(len(table)), table.sizes)
    for person in np.unique(table.person):
        mine = table.person[owner] == person
        dishes = np.unique(table.offered[mine])
        ranked = []
        for scores in (old, new):
            means = [scores[mine & (table.offered == dish)].mean() for dish in dishes]
            ranked.append([int(dishes[each]) for each in np.argsort(-np.array(means), kind="stable")])
        before, after = ranked
        firsts.append(before[0] != after[0])
        if len(dishes) > 3:
            threes.append(set(before[:3]) != set(after[:3]))
        for dish in after[:3]:
            gains[dish] += 1
        for dish in before[:3]:
            gains[dish] -= 1
    assert (found.everybody.people, found.everybody.first) == (len(firsts), np.mean(firsts))
    assert found.everybody.first_three == (np.mean(threes) if threes else None)
    assert sorted(count for _, count in found.dishes if count > 0) == sorted(
        count for count in sorted(gains.values())[-3:] if count > 0
    )
    assert len(found.examples) == min(5, len(firsts))


def test_the_same_scores_change_nothing_and_one_who_was_not_scored_counts_nowhere() -> None:
    table = comparison_table(_test([(0, [0, 1]), (1, [2, 3])]))
    scores = np.array([1.0, 0.0, 1.0, 0.0])
    same = promotion_changes(table, DISHES, scores, scores, "champion", {})
    assert same is not None
    assert (str(same.everybody), same.dishes) == ("the first dish of 0% of 2 people", ())
    partly = promotion_changes(table, DISHES, scores, np.array([0.0, 1.0, np.nan, np.nan]), "champion", {})
    assert partly is not None
    assert str(partly.everybody) == "the first dish of 100% of 1 people"
    assert promotion_changes(table, DISHES, scores, np.full(4, np.nan), "champion", {}) is None


def test_five_people_are_drawn_and_none_is_named() -> None:
    table = comparison_table(_test([(person, [0, 1, 2]) for person in range(20)]))
    found = promotion_changes(table, DISHES, np.arange(60.0), np.arange(60.0), "rule", {})
    assert found is not None
    assert len(found.examples) == 5
    assert not any(person in line for line in as_markdown(found) for person in table.log.people)


def test_a_name_is_no_markup() -> None:
    dishes = {name: Dish(name, f"<img src=x>|`[a](b)` {name}") for name in DISHES}
    table = comparison_table(_test([(0, [0, 1, 2, 3])]))
    found = promotion_changes(
        table, dishes, np.arange(4.0), -np.arange(4.0), "rule", {"<b>": np.ones(1, bool)}
    )
    assert found is not None
    text = "\n".join(as_markdown(found)[3:])
    assert not set("<>`[]") & set(text)
    assert text.splitlines()[-1].count("|") == 4
