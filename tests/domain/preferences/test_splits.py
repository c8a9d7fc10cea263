"""Within a person: what is held out is never history, and training asks what the test asks."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.domain.errors import DataRejected
from components.domain.preferences.comparisons import opinions_of
from components.domain.preferences.splits import GROUP_SIZE, Split, seeded_share, split_within_person
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Comparison, Opinion
from tests.conftest import REPO

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _rated(person: str, ratings: list[int], source: str) -> list[Opinion]:
    return [
        Opinion(person, f"{source}{place}", NOW, NEUTRAL, float(rating), "", source)
        for place, rating in enumerate(ratings)
    ]


def _split(opinions: list[Opinion], background: frozenset[str] = frozenset()) -> Split:
    held = {each for each in opinions if each.source == "test"}
    return split_within_person(opinions, {}, held.__contains__, background, 1, 50, 0)


def test_every_pair_that_differs_is_asked_once_with_all_that_is_known_as_history() -> None:
    opinions = _rated("ada", [5, 3, 3], "test") + _rated("ada", [1, 2, 3, 4, 5], "train")
    test = _split(opinions).test
    assert sorted((each.dishes, each.chosen) for each in test) == [
        (("test0", "test1"), "test0"),
        (("test0", "test2"), "test0"),
    ]
    for each in test:
        assert {past.dish_id for past in each.history} == {f"train{place}" for place in range(5)}
        assert {past.rating for past in each.history} == {1, 2, 3, 4, 5}


def test_training_never_reads_what_is_held_out_nor_what_it_asks_about() -> None:
    opinions = _rated("ada", [5, 3, 1], "test") + _rated("ada", list(range(20)), "train")
    train = _split(opinions).train
    assert train
    for each in train:
        named = {past.dish_id for past in each.history} | set(each.dishes)
        assert not any(dish.startswith("test") for dish in named)
        assert not set(each.dishes) & {past.dish_id for past in each.history}


def test_sources_are_never_compared_and_background_is_only_history() -> None:
    opinions = [
        *(each for name in ("test", "a", "b") for each in _rated("ada", [5, 1], name)),
        Opinion("ada", "x", NOW, LIKED, None, "", "said"),
        Opinion("ada", "y", NOW, DISLIKED, None, "", "said"),
    ]
    split = _split(opinions, frozenset({"said"}))
    asked: list[Comparison] = [*split.train, *split.test]
    assert {each.dishes for each in asked} == {("test0", "test1"), ("a0", "a1"), ("b0", "b1")}
    assert all({"x", "y"} <= {past.dish_id for past in each.history} for each in asked)
    of_a = next(each for each in split.train if each.dishes == ("a0", "a1"))
    assert {"b0", "b1"} <= {past.dish_id for past in of_a.history}


def test_pairs_grow_with_the_number_of_opinions_not_with_its_square() -> None:
    few, many = (_rated("ada", list(range(n)), "train") + _rated("ada", [1, 2], "test") for n in (60, 240))
    counts = len(_split(few).train), len(_split(many).train)
    assert counts[1] < 4.5 * counts[0]
    assert counts[0] < 60 * GROUP_SIZE


def test_a_choice_is_asked_against_its_menu() -> None:
    menus = {"m": ("p", "q", "r")}
    opinions = [Opinion("ada", "q", NOW, LIKED, None, "m", "test"), *_rated("ada", list(range(20)), "train")]
    held = {opinions[0]}
    (asked,) = split_within_person(opinions, menus, held.__contains__, frozenset(), 1, 50, 0).test
    assert (asked.dishes, asked.chosen, asked.verdicts) == (("p", "q", "r"), "q", (DISLIKED, LIKED, DISLIKED))


def test_a_seeded_share_is_the_same_again() -> None:
    opinions = [each for name in ("ada", "bob", "eve") for each in _rated(name, [1] * 100, "s")]
    drawn = seeded_share(opinions, 0.25, 3)
    assert drawn == seeded_share(opinions[::-1], 0.25, 3) != seeded_share(opinions, 0.25, 4)
    assert 0.2 < len(drawn) / len(opinions) < 0.3


def test_what_is_held_out_stays_so_when_a_night_adds_more() -> None:
    before = _rated("ada", [1] * 40, "s")
    later = [*before, *_rated("ada", [2] * 60, "t"), *_rated("bob", [1] * 60, "s")]
    judged_again = [replace(each, at=NOW + timedelta(days=1), rating=5.0) for each in before]
    drawn = seeded_share(before, 0.25, 3)
    assert drawn == {each for each in seeded_share(later, 0.25, 3) if each in before}
    again = seeded_share(judged_again, 0.25, 3)
    assert {each.dish_id for each in again} == {each.dish_id for each in drawn}


def test_two_choices_from_one_menu_are_no_rivals() -> None:
    menus = {"m": ("p", "q", "r")}
    chosen = [Opinion("ada", dish, NOW, LIKED, None, "m", "test") for dish in ("p", "q")]
    opinions = [*chosen, *_rated("ada", list(range(20)), "train")]
    for held in set(chosen), {chosen[0]}:
        test = split_within_person(opinions, menus, held.__contains__, frozenset(), 1, 50, 0).test
        assert {(each.chosen, each.dishes) for each in test} == {
            (each.dish_id, tuple(dish for dish in ("p", "q", "r") if dish in (each.dish_id, "r")))
            for each in held
        }


def test_nothing_to_test_is_said() -> None:
    with pytest.raises(DataRejected, match="0 test comparisons"):
        _split(_rated("ada", [1, 2, 3, 4], "train"))


def test_the_world_cup_is_tested_on_exactly_the_published_pairs() -> None:
    with (REPO / "data" / "sample" / "food-world-cup" / "events.csv").open() as file:
        rows = [
            {**row, "value": float(row["value"]), "menu_id": "", "occurred_at": NOW}
            for row in csv.DictReader(file)
        ]
    pairs = {
        (one["person_id"], one["dish_id"], other["dish_id"])
        for person in _by_person(row for row in rows if row["source"] == "test").values()
        for one in person
        for other in person
        if one["value"] > other["value"]
    }
    test = _split(opinions_of(rows, 4, 2)).test
    assert {
        (each.person_id, each.chosen, next(d for d in each.dishes if d != each.chosen)) for each in test
    } == pairs
    assert len({each.person_id for each in test}) == 1046


def _by_person(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    people: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        people.setdefault(row["person_id"], []).append(row)
    return people
