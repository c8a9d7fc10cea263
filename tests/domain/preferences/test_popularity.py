"""What ranks a cold start is at least as good as the rival `popularity`, since it counts the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.comparisons import compare
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.folds import share_won
from components.domain.preferences.limits import Limits
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.opinions import Scale, dishes_of, menus_of, opinion_log
from components.domain.preferences.popularity import Popularity, popularities
from components.domain.preferences.splits import seeded_share, split_within_person
from components.domain.records import DISLIKED, LIKED
from components.domain.rivals import rules
from components.integrations.sources.folder import Folder
from tests.accepted import accept
from tests.conftest import REPO
from tests.domain.preferences.opinion_logs import Line, log_of

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
DISHES = "abcdef"


def _choices(menus: Mapping[str, str], chosen: Sequence[tuple[str, int]]) -> OpinionLog:
    """One choice a person: a menu, and the position on it of what they chose."""
    lines = [
        Line(f"p{number}", menus[menu][position % len(menus[menu])], START, menu_id=menu)
        for number, (menu, position) in enumerate(chosen)
    ]
    return log_of(lines, {menu: tuple(dishes) for menu, dishes in menus.items()})


def _shares(log: OpinionLog) -> np.ndarray:
    result = popularities(log)
    return np.array([result[dish].share for dish in log.dishes])


def _opinions(**counts: tuple[int, int]) -> OpinionLog:
    """Likes and dislikes of dishes, each of another person."""
    return log_of(
        [
            Line(f"{dish}{verdict}{number}", dish, START, verdict)
            for dish, numbers in counts.items()
            for verdict, count in zip((LIKED, DISLIKED), numbers, strict=True)
            for number in range(count)
        ],
        {},
    )


@given(st.lists(st.tuples(st.sampled_from(["ab", "bc", "cd", "ae", "df"]), st.integers(0, 1))))
def test_on_menus_of_two_the_odds_are_the_rivals(chosen: list[tuple[str, int]]) -> None:
    log = _choices({menu: menu for menu in ("ab", "bc", "cd", "ae", "df")}, chosen)
    shares, rival = _shares(log), rules.wins(compare(log, 0))
    assert shares / (1 - shares) == pytest.approx(np.exp(rival))


@given(st.lists(st.integers(0, len(DISHES) - 1), min_size=1))
def test_on_one_menu_of_any_size_the_order_is_the_rivals(positions: list[int]) -> None:
    log = _choices({"m": DISHES}, [("m", position) for position in positions])
    rival = rules.wins(compare(log, 0)).round(12)
    assert np.array_equal(
        np.unique(_shares(log), return_inverse=True)[1], np.unique(rival, return_inverse=True)[1]
    )


@pytest.mark.parametrize("seed", range(3))
def test_on_held_out_choices_of_the_canteen_it_is_as_good_as_the_rival(seed: int) -> None:
    log = _canteen()
    held_out = seeded_share(log, 0.2, seed)
    test = split_within_person(log, held_out, frozenset(), 1, seed).test
    left = log.take(np.flatnonzero(~held_out))
    accuracy = share_won(_shares(left)[test.offered], test)
    assert accuracy >= share_won(rules.wins(compare(left, 0))[test.offered], test)
    assert accuracy > 0.59  # the order of ids: 0.5


def test_the_canteens_most_chosen_dish_is_above_the_least_chosen() -> None:
    popular = popularities(_canteen())
    assert popular["d12"].share > 4 * popular["d57"].share
    assert (popular["d12"].opinions, popular["d57"].opinions) == (535, 50)


def _canteen() -> OpinionLog:
    raw = Folder(str(REPO / "data" / "sample" / "canteen")).read({}).tables
    tables = accept(raw, {}, Limits(datetime.now(UTC), (0, 100))).tables
    dishes, menus = dishes_of(tables["dishes"]), menus_of(tables["menus"])
    return opinion_log(EventColumns.of(tables["events"]), dishes, menus, Scale(4, 2, "Europe/Zurich"))


@given(st.integers(0, 300), st.integers(0, 300))
def test_one_like_of_one_is_below_ninety_of_a_hundred(likes: int, dislikes: int) -> None:
    popular = popularities(_opinions(one=(1, 0), many=(90, 10), rest=(likes, dislikes)))
    assert popular["one"].share < popular["many"].share


def test_among_orders_their_number_decides_and_a_dish_without_any_is_last() -> None:
    lines = [Line(f"p{n}", dish, START, order=True) for n, dish in enumerate("a" * 3 + "b" * 7 + "c")]
    popular = popularities(log_of(lines, {"never": ("d", "e")}))
    assert sorted(popular, key=lambda dish: -popular[dish].share)[:3] == ["b", "a", "c"]
    assert popular["d"] == popular["e"] == Popularity(0.5, 0)


def test_a_dish_that_was_hardly_offered_stands_where_all_others_begin() -> None:
    menus = {"often": DISHES, "new": "xyzuvw"}
    log = _choices(menus, [("often", 0)] * 60 + [("often", 1)] * 30 + [("often", 2)] * 10 + [("new", 0)])
    shares = {dish: popular.share for dish, popular in popularities(log).items()}
    assert shares["a"] > shares["b"] > shares["y"] > shares["d"]  # y: offered to one person, who chose x
    assert shares["a"] == pytest.approx(0.6, abs=0.01)


def test_a_like_beside_menus_moves_a_dish_a_little() -> None:
    lines = [Line(f"p{n}", "abbc"[n % 4], START, menu_id="m") for n in range(400)]
    before = popularities(log_of(lines, {"m": tuple(DISHES)}))
    after = popularities(log_of([*lines, Line("ada", "d", START)], {"m": tuple(DISHES)}))
    assert before["d"].share < after["d"].share < before["a"].share
    assert after["b"] == before["b"]


@given(st.integers(0, 60), st.integers(1, 9), st.integers(0, 20), st.sampled_from([LIKED, DISLIKED]))
def test_a_few_people_move_a_dish_that_many_were_offered_by_little(
    offers: int, few: int, dislikes: int, verdict: int
) -> None:
    menus = {"m": tuple(DISHES)}
    lines = [Line(f"p{n}", "abbc"[n % 4], START, menu_id="m") for n in range(offers)]
    lines += [Line(f"q{n}", "e", START, DISLIKED) for n in range(dislikes)]
    attack = [Line(f"newcomer{n}", "d", START, verdict) for n in range(few)]
    calm, moved = (popularities(log_of(each, menus))["d"].share for each in (lines, lines + attack))
    assert abs(moved - calm) <= 2 * few / (offers + 2 + 2 * few)


def test_an_opinion_that_a_later_one_replaces_counts_for_nothing() -> None:
    days = [START + timedelta(days=day) for day in range(9)]
    often = [Line("ada", "a", day) for day in days]
    popular = popularities(log_of([*often, Line("bob", "b", START), Line("eve", "b", START)], {}))
    assert popular["b"].share > popular["a"].share
    assert popular["a"].opinions == 1


def test_nothing_known_is_no_error() -> None:
    assert popularities(log_of([], {})) == {}
    assert popularities(log_of([], {"m": ("a", "b")})) == dict.fromkeys("ab", Popularity(0.5, 0))
