"""The table holds what was added, in that order, under names that say what it rests on."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from components.domain.preferences.builder import Builder
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Comparison, Past
from tests.domain.preferences.opinion_logs import Line, log_of

DAYS = [datetime(2026, 1, 1 + day, 12, tzinfo=UTC) for day in range(4)]
DISHES = ("p", "q", "r", "борщ")
RATED = DISHES[::-1]  # a day each, better from day to day
LOG = log_of([Line("x", RATED[n], DAYS[n], rating=n + 1.0, source="s") for n in range(4)], {})
AT = "2026-01-04T12:00:00+00:00"


def test_a_choice_is_read_back_unless_it_has_no_alternative() -> None:
    choices = [Line("x", "q", DAYS[0], menu_id="m"), Line("x", "r", DAYS[3], menu_id="m")]
    builder = Builder(log_of(choices, {"m": DISHES}))
    for dishes in ([], [2], [0, 2, 3]):
        builder.add_choice(1, (0, 1, ()), dishes)
    past, verdicts = (Past("q", LIKED),), (DISLIKED, LIKED, DISLIKED)
    expected = Comparison("x", past, ("p", "r", "борщ"), f"x/{AT}/m/r", DAYS[3], "r", verdicts)
    assert list(builder.table()) == [expected]


@pytest.mark.parametrize("seed", range(10))
def test_pairs_keep_their_order_and_their_dishes_stand_in_the_order_of_ids(seed: int) -> None:
    builder, draw = Builder(LOG), random.Random(seed)
    pairs = [tuple(draw.sample(range(4), 2)) for _ in range(draw.randrange(12))]  # some of them twice
    for line, other in pairs:
        builder.add_pair(line, other, (0, 0, ()))
    expected = [(RATED[pair[0]], tuple(sorted(RATED[n] for n in pair))) for pair in pairs]
    table = list(builder.table())
    assert [(comparison.chosen, comparison.dishes) for comparison in table] == expected
    assert len({comparison.key for comparison in table}) == len(pairs)


def test_a_pair_has_the_verdicts_that_were_stated_unless_the_other_dish_is_another_persons() -> None:
    builder = Builder(LOG)
    for other_person in (False, True):
        builder.add_pair(3, 2, (0, 0, ()), other_person=other_person)
    table = list(builder.table())
    assert [comparison.verdicts for comparison in table] == [(LIKED, NEUTRAL), (LIKED, DISLIKED)]
    assert [comparison.key for comparison in table] == [f"x/{AT}/s/p>q", f"x/{AT}/s/p>q#2"]


def test_a_pair_is_as_new_as_its_block_and_reads_no_hidden_line() -> None:
    builder = Builder(LOG)
    builder.add_pair(2, 1, (0, 2, [0]), block=[1, 2, 3])
    builder.add_pair(2, 1, (0, 2, []))
    table = builder.table()
    assert [comparison.at for comparison in table] == [DAYS[3], DAYS[2]]
    assert table.day.astype(str).tolist() == ["2026-01-04", "2026-01-03"]
    assert [[past.dish_id for past in comparison.history] for comparison in table] == [["r"], ["борщ", "r"]]


@pytest.mark.parametrize("dishes", [("p", "p", "p#2"), ("p#2", "p", "p"), ("p", "p#2", "p", "p", "p#3")])
def test_keys_are_unique_though_an_id_ends_like_a_number_of_them(dishes: tuple[str, ...]) -> None:
    menu = ("p", "p#2", "p#3", "z")
    log = log_of([Line("x", dish, DAYS[0], menu_id="m") for dish in dishes], {"m": menu})
    builder = Builder(log)
    for line in range(len(log)):
        builder.add_choice(line, (0, 0, ()), [*range(len(log.dishes))])
    keys = [comparison.key for comparison in builder.table()]
    assert len(set(keys)) == len(dishes)
