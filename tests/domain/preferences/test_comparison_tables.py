"""Choices stand against their menus, pairs in the order of ids, under names that say what they rest on."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.comparison_tables import choice_table, joined, pair_table, unique_keys
from components.domain.records import Comparison
from tests.domain.preferences.opinion_logs import Line, log_of

DAYS = [datetime(2026, 1, 1 + day, 12, tzinfo=UTC) for day in range(4)]
DISHES = ("p", "q", "r", "борщ")
RATED = DISHES[::-1]  # a day each, better from day to day
LOG = log_of([Line("x", RATED[n], DAYS[n], rating=n + 1.0, source="s") for n in range(4)], {})
AT = "2026-01-04T12:00:00+00:00"
CHOICES = st.lists(
    st.builds(
        lambda person, dish, day, menu: Line(person, dish, DAYS[day], menu_id=f"{menu}{dish}"),
        st.sampled_from("xy"),
        st.sampled_from(DISHES),
        st.integers(0, 3),
        st.sampled_from(["whole ", "half ", "alone "]),
    ),
    max_size=25,
)
OFFERED = {"whole ": DISHES, "half ": ("борщ", "q"), "alone ": ()}
MENUS = {
    f"{menu}{dish}": tuple(dict.fromkeys([*dishes, dish]))
    for menu, dishes in OFFERED.items()
    for dish in DISHES
}


def test_a_choice_is_read_back_unless_it_had_no_alternative() -> None:
    choices = [Line("x", "q", DAYS[0], menu_id="m"), Line("x", "r", DAYS[3], menu_id="n")]
    table, line = choice_table(log_of(choices, {"m": ("q",), "n": ("p", "r", "борщ")}))
    expected = Comparison("x", (), ("p", "r", "борщ"), f"x/{AT}/n/r", DAYS[3], "r")
    assert (list(table), line.tolist()) == ([expected], [1])


@given(CHOICES, st.sets(st.sampled_from(DISHES)))
def test_a_choice_stands_against_what_a_reader_of_the_menus_would_list(
    lines: list[Line], counting: set[str]
) -> None:
    log = log_of(lines, MENUS)
    expected = []
    for line in range(len(log)):
        menu, chosen = log.menus.ids[log.menu[line]], log.dishes[log.dish[line]]
        same = (log.person == log.person[line]) & (log.at == log.at[line]) & (log.menu == log.menu[line])
        others = {log.dishes[dish] for dish in log.dish[same]} - {chosen}
        dishes = tuple(dish for dish in MENUS[menu] if dish in counting and dish not in others)
        if chosen in counting and len(dishes) > 1:
            expected.append((line, dishes, chosen))
    table, line_of = choice_table(log, np.array([dish in counting for dish in log.dishes], bool))
    rows = [(one.dishes, one.chosen) for one in table]
    assert [(line, *row) for line, row in zip(line_of.tolist(), rows, strict=True)] == expected


@pytest.mark.parametrize("seed", range(10))
def test_pairs_keep_their_order_and_their_dishes_stand_in_the_order_of_ids(seed: int) -> None:
    draw = random.Random(seed)
    pairs = [tuple(draw.sample(range(4), 2)) for _ in range(draw.randrange(12))]  # some of them twice
    line, other = np.array(pairs, np.int64).reshape(-1, 2).T
    expected = [(RATED[pair[0]], tuple(sorted(RATED[n] for n in pair))) for pair in pairs]
    table = pair_table(LOG, line, other, line)
    assert [(comparison.chosen, comparison.dishes) for comparison in table] == expected
    assert len(set(unique_keys(table.key))) == len(pairs)


def test_a_pair_that_stands_twice_has_two_keys() -> None:
    pair = pair_table(LOG, np.array([3]), np.array([2]), np.array([3]))
    table = joined(pair, pair)
    assert unique_keys(table.key).tolist() == [f"x/{AT}/s/p>q", f"x/{AT}/s/p>q#2"]


def test_a_pair_is_as_new_as_the_latest_line_that_it_rests_on() -> None:
    table = pair_table(LOG, np.array([2, 2]), np.array([1, 1]), np.array([3, 2]))
    assert [comparison.at for comparison in table] == [DAYS[3], DAYS[2]]
    assert table.day.astype(str).tolist() == ["2026-01-04", "2026-01-03"]


@pytest.mark.parametrize("dishes", [("p", "p", "p#2"), ("p#2", "p", "p"), ("p", "p#2", "p", "p", "p#3")])
def test_keys_are_unique_though_an_id_ends_like_a_number_of_them(dishes: tuple[str, ...]) -> None:
    menu = ("p", "p#2", "p#3", "z")
    log = log_of([Line("x", dish, DAYS[0], menu_id="m") for dish in dishes], {"m": menu})
    keys = unique_keys(choice_table(log)[0].key)
    assert len(set(keys)) == len(dishes)
    assert set(choice_table(log)[0].key) <= set(keys)
