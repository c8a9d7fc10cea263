"""Rows become numbered arrays: in any order, in any alphabet, on the days of any time zone."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.opinion_log import COLUMNS, NO_MENU, OpinionLog, moment
from components.domain.preferences.opinions import (
    Scale,
    dishes_of,
    like_share,
    local_days,
    menus_of,
    opinion_log,
)
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Dish, Past
from tests.domain.preferences.opinion_logs import SCALE, Line, log_of

TIMES = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
MENUS = {"m2": ["q", "p"], "m1": ["борщ", "q"]}


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/Caracas"])
def test_days_are_those_of_pandas(zone: str) -> None:
    minutes = np.random.default_rng(len(zone)).integers(0, 60 * 24 * 365 * 45, 3000)
    at = np.datetime64("1990-01-01T00:00:00.000000") + minutes.astype("timedelta64[m]")
    days = pd.DatetimeIndex(at).tz_localize("UTC").tz_convert(zone).tz_localize(None).normalize()
    assert np.array_equal(local_days(at, zone), days.to_numpy().astype("datetime64[D]"))


@pytest.mark.parametrize("seed", range(5))
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


def test_dishes_and_menus_stand_in_their_order_and_a_menu_that_nobody_chose_from_says_nothing() -> None:
    log = log_of([], MENUS)
    assert (len(log), log.people, log.menus.ids, log.dishes) == (0, (), (), ("p", "q", "борщ"))
    coming, lines = MENUS | {"m0": ["p"]}, [Line("x", "q", TIMES[0], menu_id=menu) for menu in MENUS]
    log = log_of(lines, coming)
    assert log.menus.ids == ("m1", "m2")
    assert [log.dishes[dish] for dish in log.menus.dish] == [*MENUS["m1"], *MENUS["m2"]]
    assert log.menus.sizes.tolist() == [2, 2]
    assert log.menu.tolist() == [0, 1]


@pytest.mark.parametrize(("kind", "past"), [("order", Past("p", LIKED)), ("rating", Past("p", NEUTRAL, 3.0))])
def test_only_ratings_have_a_value_and_only_choices_a_menu(kind: str, past: Past) -> None:
    row = Line("x", "p", TIMES[0]).row() | {"kind": kind, "value": 3.0, "menu_id": "m2"}
    log = opinion_log(EventColumns.of([row]), ["p", "q", "борщ"], MENUS, SCALE)
    assert (log.past(0), *log.menu) == (past, NO_MENU)


def test_dishes_come_by_id_without_empty_cells_and_menus_whole() -> None:
    empty = dict.fromkeys(("name", "description", "cuisine", "tags", "ingredients"))
    tofu, stew = {"dish_id": "豆", "name": "豆腐"}, {"dish_id": "a", "name": "Stew", "tags": ["hot"]}
    dishes = dishes_of([empty | tofu, empty | stew])
    assert list(dishes.values()) == [Dish("a", "Stew", tags=("hot",)), Dish("豆", "豆腐")]
    offers = [{"menu_id": menu, "dish_id": dish} for menu, dish in (("m", "q"), ("n", "p"), ("m", "a"))]
    assert menus_of(offers) == {"m": ["q", "a"], "n": ["p"]}


def _row(kind: str, hour: int, value: float | None = None, **more: str) -> dict[str, object]:
    return Line("x", "p", TIMES[hour]).row() | {"kind": kind, "value": value, "source": ""} | more


def _log(*rows: dict[str, object], scale: Scale = SCALE) -> OpinionLog:
    return opinion_log(EventColumns.of(rows), ["p", "q", "борщ"], MENUS, scale)


def _counts_in_the_end(log: OpinionLog) -> list[Past]:
    """What is left of the lines where a later opinion replaces an earlier one."""
    return [log.past(line) for line in np.flatnonzero(log.replaced_by == len(log))]


def test_a_changed_mind_replaces_what_was_stated_before() -> None:
    assert _counts_in_the_end(_log(_row("like", 0), _row("dislike", 1))) == [Past("p", DISLIKED)]
    assert _counts_in_the_end(_log(_row("dislike", 0), _row("rating", 1, 5.0))) == [Past("p", LIKED, 5.0)]


@pytest.mark.parametrize("seed", range(6))
def test_of_two_opinions_at_one_moment_the_less_favourable_counts_in_any_order(seed: int) -> None:
    draw = random.Random(seed)
    rows = [_row("like", 0), _row("dislike", 0), _row("rating", 0, 3.0)]
    assert _counts_in_the_end(_log(*draw.sample(rows, 3))) == [Past("p", DISLIKED)]
    ratings = [_row("rating", 0, value) for value in (5.0, 1.0, 4.0)]
    assert _counts_in_the_end(_log(*draw.sample(ratings, 3))) == [Past("p", DISLIKED, 1.0)]


def test_a_retract_takes_back_what_was_stated_until_then_and_nothing_else() -> None:
    order, choice = _row("order", 0), _row("choice", 0, menu_id="m2", dish_id="p")
    other = _row("like", 0, dish_id="q")
    somebody = _row("like", 0, person_id="y")
    stated = [_row("like", 0), _row("rating", 1, 1.0)]
    log = _log(*stated, order, choice, other, somebody, _row("retract", 1))
    assert sorted(log.past(line).dish_id for line in range(len(log))) == ["p", "p", "p", "q"]
    assert log.is_stated.sum() == 2  # the other dish's and somebody else's
    again = _log(*stated, _row("retract", 1), _row("dislike", 2))
    assert [again.past(line) for line in range(len(again))] == [Past("p", DISLIKED)]
    assert len(_log(_row("retract", 1))) == 0
    assert len(_log(_row("retract", 0), _row("like", 1), _row("retract", 2), _row("retract", 0))) == 0


def test_sources_with_a_scale_of_their_own_are_brought_to_that_of_the_rest() -> None:
    scale = Scale(4, 2, "UTC", {"survey": (8, 4)})
    rated = ((4.0, "", "p"), (8.0, "survey", "q"), (4.0, "survey", "борщ"))
    rows = [_row("rating", 0, value, dish_id=dish, source=source) for value, source, dish in rated]
    log = _log(*rows, scale=scale)
    pasts = {(log.sources[log.source[line]], log.past(line)) for line in range(len(log))}
    assert pasts == {
        ("", Past("p", LIKED, 4.0)),
        ("survey", Past("q", LIKED, 4.0)),
        ("survey", Past("борщ", DISLIKED, 2.0)),
    }
    ten = _log(_row("rating", 0, 10.0, source="survey"), scale=scale)
    assert ten.rating.tolist() == [5.0]


def test_the_share_of_likes_is_of_what_was_stated() -> None:
    rows = [_row("like", 0), _row("dislike", 0), _row("rating", 0, 9.0, source="survey"), _row("order", 0)]
    assert like_share(EventColumns.of(rows), Scale(4, 2, "UTC", {"survey": (9.5, 4)})) == pytest.approx(1 / 3)
    assert like_share(EventColumns.of([_row("order", 0)]), SCALE) is None
