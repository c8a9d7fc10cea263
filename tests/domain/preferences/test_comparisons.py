"""History lies strictly before, what was passed over is nobody's history, and the future changes nothing."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.domain.errors import DataRejected
from components.domain.preferences.comparisons import compare
from components.domain.preferences.events import accept
from components.domain.preferences.opinions import dishes_of, menus_of, opinion_log
from components.domain.preferences.splits import Split, split_by_time
from components.domain.preferences.tables import Comparisons
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Comparison, Dish, Past
from components.integrations import comparison_files, event_sources
from tests.conftest import REPO
from tests.domain.preferences.opinion_logs import Line, log_of

DAY = datetime(2026, 1, 1, 12, tzinfo=UTC)
MENUS = {f"m{day}": [f"d{day}{dish}" for dish in "abc"] for day in range(6)}


def _choices(people: str = "xyz") -> list[Line]:
    return [
        Line(who, MENUS[f"m{day}"][(day + index) % 3], DAY + timedelta(days=day), menu_id=f"m{day}")
        for index, who in enumerate(people)
        for day in range(6)
    ]


def _table(lines: Sequence[Line], menus: Mapping[str, Sequence[str]] = MENUS, most: int = 10) -> Comparisons:
    return compare(*log_of(lines, menus), most)


def _compare(lines: Sequence[Line], menus: Mapping[str, Sequence[str]] = MENUS) -> list[Comparison]:
    return list(_table(lines, menus))


def test_history_is_what_was_chosen_strictly_before_and_never_what_was_passed_over() -> None:
    of_x = [comparison for comparison in _compare(_choices()) if comparison.person_id == "x"]
    chosen = [comparison.chosen for comparison in of_x]
    for day, comparison in enumerate(of_x):
        assert [past.dish_id for past in comparison.history] == chosen[:day]
        assert comparison.dishes == tuple(MENUS[f"m{day}"])


def test_two_choices_from_one_menu_are_no_alternatives() -> None:
    twice = [*_choices("x"), Line("x", "d0b", DAY, menu_id="m0")]
    first, second = _compare(twice)[:2]
    assert {first.dishes, second.dishes} == {("d0a", "d0c"), ("d0b", "d0c")}


def test_stated_opinions_are_compared_with_what_was_liked_less_and_leave_the_history() -> None:
    verdicts = [("p", LIKED), ("q", DISLIKED), ("r", LIKED), ("s", DISLIKED)]
    lines = [
        Line("x", dish, DAY + timedelta(days=day), verdict) for day, (dish, verdict) in enumerate(verdicts)
    ]
    comparisons = _compare(lines, {})
    assert [(comparison.dishes, comparison.chosen) for comparison in comparisons] == [
        (("p", "q"), "p"),
        (("q", "r"), "r"),
        (("r", "s"), "r"),
    ]
    assert comparisons[1].history == (Past("p", LIKED),)
    assert [comparison.verdicts for comparison in comparisons] == [
        (LIKED, DISLIKED),
        (DISLIKED, LIKED),
        (LIKED, DISLIKED),
    ]


def test_a_dish_asked_about_leaves_the_middle_of_a_history_and_the_window_counts_what_stays() -> None:
    ratings = [("a", 3.0), ("b", 3.0), ("c", 1.0), ("d", 3.0), ("e", 3.0), ("f", 5.0)]
    lines = [
        Line("x", dish, DAY + timedelta(days=day), rating=rating)
        for day, (dish, rating) in enumerate(ratings)
    ]
    (*_, of_e, of_f) = compare(*log_of(lines, {}), 2)
    assert (of_e.dishes, [past.dish_id for past in of_e.history]) == (("c", "e"), ["b", "d"])
    assert (of_f.dishes, of_f.history) == (("b", "c", "d", "e", "f"), (Past("a", NEUTRAL, 3.0),))


@pytest.mark.parametrize(
    ("rating", "verdict"), [(5, LIKED), (4, LIKED), (3, NEUTRAL), (2, DISLIKED), (1, DISLIKED)]
)
def test_a_rating_between_the_bounds_is_neutral(rating: float, verdict: int) -> None:
    log, _ = log_of([Line("x", "d", DAY, rating=rating)], {})
    assert log.past(0) == Past("d", verdict, rating)


def test_a_long_history_moves_in_steps_so_that_prefixes_are_shared() -> None:
    menus = {f"m{day}": ["a", "b"] for day in range(40)}
    lines = [Line("x", "a", DAY + timedelta(days=day), menu_id=f"m{day}") for day in range(40)]
    lengths = [len(comparison.history) for comparison in _compare(lines, menus)]
    assert max(lengths) == 10
    assert lengths[:14] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 6, 7, 8]


def test_shifting_a_future_event_leaves_the_training_file_byte_for_byte_the_same(tmp_path: Path) -> None:
    before = _choices()
    after = [
        replace(line, dish_id="d5a", at=line.at + timedelta(minutes=7), menu_id="m5")
        if line.at > DAY + timedelta(days=4, hours=1) else line
        for line in before
    ]  # fmt: skip
    files = []
    for name, lines in (("before", before), ("after", after)):
        split = split_by_time(_table(lines), 2, 1)
        _write(tmp_path / name, split)
        files.append((tmp_path / name / "train.parquet").read_bytes())
        assert split.train.at.max() < split.test.at.min()
    assert before != after
    assert files[0] == files[1]


def _write(folder: Path, split: Split) -> None:
    dishes = {dish: Dish(dish, dish.upper(), tags=("t",)) for dish in split.train.log.dishes}
    comparison_files.write_split(folder, dishes, split)


def test_comparisons_survive_their_files(tmp_path: Path) -> None:
    stated = [Line("x", f"d{day}a", DAY + timedelta(days=day, hours=1), 0, float(day)) for day in range(6)]
    split = split_by_time(_table([*_choices(), *stated, Line("w", "d0a", DAY, DISLIKED, source="s")]), 2, 1)
    _write(tmp_path, split)
    files = comparison_files.read_split(tmp_path)
    assert list(files.train) == list(split.train)
    assert list(files.test) == list(split.test)
    assert files.train.log is files.test.log
    assert files.train.log.sources == split.train.log.sources
    assert files.dishes["d0a"] == Dish("d0a", "D0A", tags=("t",))
    assert comparison_files.newest(tmp_path) == split.train.newest


@pytest.mark.parametrize(("days", "least", "part"), [(6, 0, "6 days"), (2, 9, "0 test comparisons")])
def test_a_split_that_leaves_nothing_says_so(days: int, least: int, part: str) -> None:
    with pytest.raises(DataRejected, match=part):
        split_by_time(_table(_choices()), days, least)


def test_the_sample_is_tested_on_exactly_the_published_cases() -> None:
    raw = event_sources.read_inbox(REPO / "data" / "sample" / "canteen")
    tables = accept(raw, {}, datetime.now(UTC), 14).tables
    dishes, menus = dishes_of(tables["dishes"]), menus_of(tables["menus"])
    test = split_by_time(compare(*opinion_log(tables["events"], dishes, menus, 4, 2), 24), 3, 3).test
    with (REPO / "tests" / "data" / "canteen_cases_days9-11.csv").open() as file:
        published = {(row["person"], row["chosen"], row["candidates"]) for row in csv.DictReader(file)}
    assert len(published) == len(test) == 1800
    assert {(each.person_id, each.chosen, " ".join(each.dishes)) for each in test} == published
