"""Rows become numbered arrays: in any order, in any alphabet, on the days of any time zone."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from components.domain.preferences.opinion_log import COLUMNS, NO_MENU, moment
from components.domain.preferences.opinions import dishes_of, local_days, menus_of, opinion_log
from components.domain.records import LIKED, NEUTRAL, Dish, Past
from tests.domain.preferences.opinion_logs import SCALE, Line, log_of

TIMES = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
MENUS = {"m2": ["q", "p"], "m1": ["борщ", "q"]}


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/Caracas"])
def test_days_are_those_of_pandas(zone: str) -> None:
    minutes = np.random.default_rng(len(zone)).integers(0, 60 * 24 * 365 * 45, 3000)
    at = np.datetime64("1990-01-01T00:00:00.000000") + minutes.astype("timedelta64[m]")
    days = pd.DatetimeIndex(at).tz_localize("UTC").tz_convert(zone).tz_localize(None).normalize()
    assert np.array_equal(local_days(at, zone), days.to_numpy().astype("datetime64[D]"))


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_events_changes_nothing_and_lines_are_sorted(seed: int) -> None:
    draw, events = random.Random(seed), set[tuple[str, int, str, str, str]]()
    for _ in range(draw.randrange(30)):  # many of them at one moment
        menu, source = draw.choice(["", "m1", "m2"]), draw.choice(["", "s"])
        dish = draw.choice(MENUS.get(menu, ["p", "q"]))
        events.add((draw.choice(["x", "Ада"]), draw.randrange(4), source, menu, dish))
    lines = [Line(who, dish, TIMES[n], menu_id=m, source=s) for who, n, s, m, dish in sorted(events)]
    log, other = (log_of(draw.sample(lines, len(lines)), MENUS) for _ in range(2))
    assert all(np.array_equal(getattr(log, name), getattr(other, name), name == "rating") for name in COLUMNS)
    assert [log.people[person] for person in log.person] == [line.person_id for line in lines]
    assert [log.dishes[dish] for dish in log.dish] == [line.dish_id for line in lines]
    assert [moment(at) for at in log.at] == [line.at for line in lines]


def test_without_events_there_are_dishes_and_menus_in_their_order() -> None:
    log = log_of([], MENUS)
    assert (len(log), log.people, log.menus.ids, log.dishes) == (0, (), ("m1", "m2"), ("p", "q", "борщ"))
    assert [log.dishes[dish] for dish in log.menus.dish] == [*MENUS["m1"], *MENUS["m2"]]
    assert log.menus.sizes.tolist() == [2, 2]


@pytest.mark.parametrize(("kind", "past"), [("order", Past("p", LIKED)), ("rating", Past("p", NEUTRAL, 3.0))])
def test_only_ratings_have_a_value_and_only_choices_a_menu(kind: str, past: Past) -> None:
    row = Line("x", "p", TIMES[0]).row() | {"kind": kind, "value": 3.0, "menu_id": "m2"}
    log = opinion_log([row], ["p", "q", "борщ"], MENUS, SCALE)
    assert (log.past(0), *log.menu) == (past, NO_MENU)


def test_dishes_come_by_id_without_empty_cells_and_menus_whole() -> None:
    empty = dict.fromkeys(("name", "description", "cuisine", "tags", "ingredients"))
    tofu, stew = {"dish_id": "豆", "name": "豆腐"}, {"dish_id": "a", "name": "Stew", "tags": ["hot"]}
    dishes = dishes_of([empty | tofu, empty | stew])
    assert list(dishes.values()) == [Dish("a", "Stew", tags=("hot",)), Dish("豆", "豆腐")]
    offers = [{"menu_id": menu, "dish_id": dish} for menu, dish in (("m", "q"), ("n", "p"), ("m", "a"))]
    assert menus_of(offers) == {"m": ["q", "a"], "n": ["p"]}
