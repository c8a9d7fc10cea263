"""Within a person: what is held out is never history, and training asks what the test asks."""

from __future__ import annotations

import csv
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.errors import DataRejected
from components.domain.preferences.comparisons import compare
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.held_out_days import cut_day
from components.domain.preferences.opinions import opinion_log
from components.domain.preferences.splits import (
    MAX_COMPARISONS,
    MAX_LINES,
    seeded_share,
    split_by_time,
    split_within_person,
)
from components.domain.preferences.stated_pairs import GROUP_SIZE
from components.domain.records import DISLIKED, LIKED, Comparison
from tests.conftest import REPO
from tests.domain.preferences.opinion_logs import SCALE, Line, log_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MENUS = {"m": ("p", "q", "r")}


def _rated(person: str, ratings: list[int], source: str) -> list[Line]:
    return [
        Line(person, f"{source}{number}", NOW, rating=float(rating), source=source)
        for number, rating in enumerate(ratings)
    ]


def _split(
    lines: list[Line],
    background: frozenset[str] = frozenset(),
    menus: Mapping[str, Sequence[str]] = MENUS,
    held_out: Collection[str] = (),
) -> tuple[list[Comparison], list[Comparison]]:
    """Training and test comparisons; held out are the source `test` and choices of the dishes named."""
    log = log_of(lines, menus)
    chosen = np.isin(np.array(log.dishes, object)[log.dish], list(held_out)) & (log.menu >= 0)
    tested = (np.array(log.sources, object)[log.source] == "test") & (chosen if held_out else True)
    split = split_within_person(log, tested, background, 1, 0)
    return list(split.train), list(split.test)


def test_every_pair_that_differs_is_asked_once_with_all_that_is_known_as_history() -> None:
    opinions = _rated("ada", [5, 3, 3], "test") + _rated("ada", [1, 2, 3, 4, 5], "train")
    _, test = _split(opinions)
    assert sorted((each.dishes, each.chosen) for each in test) == [
        (("test0", "test1"), "test0"),
        (("test0", "test2"), "test0"),
    ]
    for comparison in test:
        assert {past.dish_id for past in comparison.history} == {f"train{number}" for number in range(5)}
        assert {past.rating for past in comparison.history} == {1, 2, 3, 4, 5}


def test_training_never_reads_what_is_held_out_nor_what_it_asks_about() -> None:
    opinions = _rated("ada", [5, 3, 1], "test") + _rated("ada", list(range(20)), "train")
    train, _ = _split(opinions)
    assert train
    for comparison in train:
        named = {past.dish_id for past in comparison.history} | set(comparison.dishes)
        assert not any(dish.startswith("test") for dish in named)
        assert not set(comparison.dishes) & {past.dish_id for past in comparison.history}


def test_sources_are_never_compared_and_background_is_only_history() -> None:
    opinions = [
        *(line for name in ("test", "a", "b") for line in _rated("ada", [5, 1], name)),
        Line("ada", "x", NOW, LIKED, source="declared"),
        Line("ada", "y", NOW, DISLIKED, source="declared"),
    ]
    train, test = _split(opinions, frozenset({"declared"}))
    both = [*train, *test]
    assert {each.dishes for each in both} == {("test0", "test1"), ("a0", "a1"), ("b0", "b1")}
    assert all({"x", "y"} <= {past.dish_id for past in each.history} for each in both)
    of_a = next(each for each in train if each.dishes == ("a0", "a1"))
    assert {"b0", "b1"} <= {past.dish_id for past in of_a.history}


def test_pairs_grow_with_the_number_of_opinions_not_with_its_square() -> None:
    few, many = (_rated("ada", list(range(n)), "train") + _rated("ada", [1, 2], "test") for n in (60, 240))
    counts = len(_split(few)[0]), len(_split(many)[0])
    assert counts[1] < 4.5 * counts[0]
    assert counts[0] < 60 * GROUP_SIZE


def test_a_choice_is_asked_against_its_menu() -> None:
    opinions = [Line("ada", "q", NOW, menu_id="m", source="test"), *_rated("ada", list(range(20)), "train")]
    (choice,) = _split(opinions)[1]
    assert (choice.dishes, choice.chosen) == (("p", "q", "r"), "q")


def test_a_seeded_share_is_the_same_again() -> None:
    lines = [line for name in ("ada", "bob", "eve") for line in _rated(name, [1] * 100, "s")]
    log = log_of(lines, {})
    drawn = seeded_share(log, 0.25, 3)
    assert np.array_equal(drawn, seeded_share(log_of(lines[::-1], {}), 0.25, 3))
    assert not np.array_equal(drawn, seeded_share(log, 0.25, 4))
    assert 0.2 < drawn.mean() < 0.3


def test_what_is_held_out_stays_so_when_a_night_adds_more() -> None:
    before = _rated("ada", [1] * 40, "s")
    later = [*before, *_rated("ada", [2] * 60, "t"), *_rated("bob", [1] * 60, "s")]
    judged_again = [replace(line, at=NOW + timedelta(days=1), rating=5.0) for line in before]
    drawn = _drawn(before)
    assert drawn == {pair for pair in _drawn(later) if pair in {("ada", line.dish_id) for line in before}}
    assert _drawn(judged_again) == drawn


def _drawn(lines: list[Line]) -> set[tuple[str, str]]:
    log = log_of(lines, {})
    return {
        (log.people[log.person[line]], log.dishes[log.dish[line]])
        for line in np.flatnonzero(seeded_share(log, 0.25, 3))
    }


def test_two_choices_on_one_occasion_are_no_alternatives() -> None:
    chosen = [Line("ada", dish, NOW, menu_id="m", source="test") for dish in ("p", "q")]
    opinions = [*chosen, *_rated("ada", list(range(20)), "train")]
    for held_out in ("p", "q"), ("p",):
        _, test = _split(opinions, held_out=held_out)
        assert {(each.chosen, each.dishes) for each in test} == {
            (dish, tuple(other for other in ("p", "q", "r") if other in (dish, "r"))) for dish in held_out
        }


def test_the_choices_of_a_moment_stand_on_one_side_whatever_was_chosen() -> None:
    menus = {f"m{n}": ("p", "q", "r") for n in range(200)}
    lines = [
        Line("ada", dish, NOW + timedelta(days=n), menu_id=f"m{n}")
        for n in range(200)
        for dish in ("p", "q")[: 1 + n % 2]
    ]
    log = log_of(lines, menus)
    drawn = seeded_share(log, 0.5, 1)
    for at in np.unique(log.at):
        assert len(set(drawn[log.at == at])) == 1
    assert 0.3 < drawn[log.dish == 0].mean() < 0.7  # and not all choices of a dish


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
    log = opinion_log(EventColumns.of(rows), {row["dish_id"] for row in rows}, {}, SCALE)
    held_out = np.array(log.sources, object)[log.source] == "test"
    test = split_within_person(log, held_out, frozenset(), 1, 0).test
    assert {
        (
            comparison.person_id,
            comparison.chosen,
            next(d for d in comparison.dishes if d != comparison.chosen),
        )
        for comparison in test
    } == pairs
    assert len({each.person_id for each in test}) == 1046


def _by_person(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    people: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        people.setdefault(row["person_id"], []).append(row)
    return people


def test_an_account_that_many_share_costs_what_its_events_cost() -> None:
    """Twenty thousand ratings of one person, whose comparisons would read 10^9 lines of history."""
    draw, start = np.random.default_rng(0), datetime(2026, 1, 1, tzinfo=UTC)
    lines = [
        Line("guest", f"d{dish}", start + timedelta(minutes=int(20 * number)), LIKED, float(value))
        for number, (dish, value) in enumerate(
            zip(draw.integers(0, 500, 20_000), draw.integers(1, 6, 20_000), strict=True)
        )
    ]
    lines += [
        Line("ada", f"d{day}", start + timedelta(days=day), LIKED, float(1 + day % 5)) for day in range(277)
    ]
    log = log_of(lines, {})
    cut = cut_day(compare(log, 0), 3, 3)
    split = split_by_time(compare(log, 0, cut), cut, 3)
    counts = np.bincount(split.train.person)
    assert counts.max() == MAX_COMPARISONS
    assert {log.people[person] for person in np.unique(split.train.person)} == {"ada", "guest"}
    assert (split.train.stop - split.train.start).max() == MAX_LINES
    newest = split.train.at[split.train.person == log.people.index("guest")]
    assert newest.min() > np.datetime64("2026-09-01")
    assert len(split.train.lines.line) < MAX_COMPARISONS * MAX_LINES + 277**2


@given(st.integers(0, 500))
def test_whether_there_is_a_history_is_told_without_writing_it_down(seed: int) -> None:
    draw, start = random.Random(seed), datetime(2026, 1, 1, tzinfo=UTC)
    lines = [
        Line("ada", draw.choice("ab"), start + timedelta(hours=draw.randrange(4)), LIKED, draw.uniform(1, 5))
        for _ in range(draw.randrange(1, 9))
    ]
    comparisons = compare(log_of(lines, {}), 0)
    stays = np.array([draw.random() < 0.3 for _ in comparisons.lines.line], bool)
    for questions in (comparisons, comparisons.with_history_lines(stays)):
        assert np.array_equal(questions.has_history, questions.history_sizes > 0)
