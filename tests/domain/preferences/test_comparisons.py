"""History lies strictly before, what was passed over is nobody's history, and the future changes nothing."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.domain.errors import DataRejected
from components.domain.preferences.comparisons import compare, opinions_of
from components.domain.preferences.events import accept
from components.domain.preferences.splits import split_by_time
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Opinion, Past
from components.integrations import comparison_files, event_sources
from tests.conftest import REPO

DAY = datetime(2026, 1, 1, 12, tzinfo=UTC)
MENUS = {f"m{day}": [f"d{day}{dish}" for dish in "abc"] for day in range(6)}


def _choices(people: str = "xyz") -> list[Opinion]:
    return [
        Opinion(who, MENUS[f"m{day}"][(day + index) % 3], DAY + timedelta(days=day), LIKED, None, f"m{day}")
        for index, who in enumerate(people)
        for day in range(6)
    ]


def test_history_is_what_was_chosen_strictly_before_and_never_what_was_passed_over() -> None:
    own = [each for each in compare(_choices(), MENUS, 10) if each.person_id == "x"]
    chosen = [each.chosen for each in own]
    for day, each in enumerate(own):
        assert [past.dish_id for past in each.history] == chosen[:day]
        assert each.dishes == tuple(MENUS[f"m{day}"])


def test_two_choices_from_one_menu_are_not_rivals() -> None:
    twice = [*_choices("x"), Opinion("x", "d0b", DAY, LIKED, None, "m0")]
    first, second = compare(twice, MENUS, 10)[:2]
    assert {first.dishes, second.dishes} == {("d0a", "d0c"), ("d0b", "d0c")}


def test_stated_opinions_are_compared_with_what_was_liked_less_and_leave_the_history() -> None:
    said = [("p", LIKED), ("q", DISLIKED), ("r", LIKED), ("s", DISLIKED)]
    opinions = [
        Opinion("x", dish, DAY + timedelta(days=day), verdict) for day, (dish, verdict) in enumerate(said)
    ]
    made = compare(opinions, {}, 10)
    assert [(each.dishes, each.chosen) for each in made] == [
        (("p", "q"), "p"),
        (("q", "r"), "r"),
        (("r", "s"), "r"),
    ]
    assert made[1].history == (Past("p", LIKED),)


@pytest.mark.parametrize(
    ("rating", "verdict"), [(5, LIKED), (4, LIKED), (3, NEUTRAL), (2, DISLIKED), (1, DISLIKED)]
)
def test_a_rating_between_the_bounds_is_neutral(rating: float, verdict: int) -> None:
    row = {
        "person_id": "x",
        "dish_id": "d",
        "kind": "rating",
        "value": rating,
        "menu_id": "",
        "occurred_at": DAY,
        "source": "",
    }
    assert opinions_of([row], 4, 2)[0].verdict == verdict


def test_a_long_history_moves_in_steps_so_that_prefixes_are_shared() -> None:
    menus = {f"m{day}": ["a", "b"] for day in range(40)}
    opinions = [Opinion("x", "a", DAY + timedelta(days=day), LIKED, None, f"m{day}") for day in range(40)]
    lengths = [len(each.history) for each in compare(opinions, menus, 10)]
    assert max(lengths) == 10
    assert lengths[:14] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 6, 7, 8]


def test_shifting_a_future_event_leaves_the_training_file_byte_for_byte_the_same(tmp_path: Path) -> None:
    before = _choices()
    after = [
        Opinion(each.person_id, "d5a", each.at + timedelta(minutes=7), each.verdict, None, "m5")
        if each.at > DAY + timedelta(days=4, hours=1) else each
        for each in before
    ]  # fmt: skip
    files = []
    for name, opinions in (("before", before), ("after", after)):
        halves = split_by_time(compare(opinions, MENUS, 10), 2, 1)
        comparison_files.write_comparisons(tmp_path / name, halves.train)
        files.append((tmp_path / name).read_bytes())
        assert max(each.at for each in halves.train) < min(each.at for each in halves.test)
    assert before != after
    assert files[0] == files[1]


def test_comparisons_survive_their_file(tmp_path: Path) -> None:
    made = compare(_choices(), MENUS, 10)
    comparison_files.write_comparisons(tmp_path / "file", made)
    assert comparison_files.read_comparisons(tmp_path / "file") == made


@pytest.mark.parametrize(("days", "least", "part"), [(6, 0, "6 days"), (2, 9, "0 test comparisons")])
def test_a_split_that_leaves_nothing_says_so(days: int, least: int, part: str) -> None:
    with pytest.raises(DataRejected, match=part):
        split_by_time(compare(_choices(), MENUS, 10), days, least)


def test_the_sample_is_tested_on_exactly_the_published_cases() -> None:
    raw = event_sources.read_inbox(REPO / "data" / "sample" / "canteen")
    tables = accept(raw, {}, datetime.now(UTC), 14).tables
    menus: dict[str, list[str]] = {}
    for row in tables["menus"]:
        menus.setdefault(row["menu_id"], []).append(row["dish_id"])
    test = split_by_time(compare(opinions_of(tables["events"], 4, 2), menus, 24), 3, 3).test
    with (REPO / "tests" / "data" / "canteen_cases_days9-11.csv").open() as file:
        published = {(row["person"], row["chosen"], row["candidates"]) for row in csv.DictReader(file)}
    assert len(published) == len(test) == 1800
    assert {(each.person_id, each.chosen, " ".join(each.dishes)) for each in test} == published
