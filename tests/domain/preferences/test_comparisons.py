"""History lies strictly before, what was passed over is nobody's history, and the future changes nothing."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from components.domain.errors import DataRejected
from components.domain.preferences.comparisons import compare
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.held_out_days import cut_day
from components.domain.preferences.limits import Limits
from components.domain.preferences.opinion_log import COLUMNS
from components.domain.preferences.opinions import Scale, dishes_of, local_days, menus_of, opinion_log
from components.domain.preferences.splits import Split, split_by_time
from components.domain.preferences.tables import Comparisons
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Comparison, Dish, Past
from components.integrations import comparison_files
from components.integrations.sources.folder import Folder
from tests.accepted import accept
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


def _table(
    lines: Sequence[Line], menus: Mapping[str, Sequence[str]] = MENUS, cut: np.datetime64 | None = None
) -> Comparisons:
    return compare(log_of(lines, menus), 0, cut)


def _compare(lines: Sequence[Line], menus: Mapping[str, Sequence[str]] = MENUS) -> list[Comparison]:
    return list(_table(lines, menus))


def test_history_is_what_was_chosen_strictly_before_and_never_what_was_passed_over() -> None:
    of_x = [comparison for comparison in _compare(_choices()) if comparison.person_id == "x"]
    chosen = [comparison.chosen for comparison in of_x]
    for day, comparison in enumerate(of_x):
        assert [past.dish_id for past in comparison.history] == chosen[:day]
        assert comparison.dishes == tuple(MENUS[f"m{day}"])


def test_only_what_was_chosen_on_the_same_occasion_is_no_alternative() -> None:
    twice = [*_choices("x"), Line("x", "d0b", DAY, menu_id="m0")]
    first, second = _compare(twice)[:2]
    assert {first.dishes, second.dishes} == {("d0a", "d0c"), ("d0b", "d0c")}
    later = [*_choices("x"), Line("x", "d0b", DAY + timedelta(hours=7), menu_id="m0")]
    lunch, dinner = _compare(later)[:2]
    assert lunch.dishes == dinner.dishes == ("d0a", "d0b", "d0c")
    assert [past.dish_id for past in dinner.history] == ["d0a"]


def _stated(*opinions: tuple[str, int, float | None, int]) -> list[Line]:
    return [
        Line("x", dish, DAY + timedelta(days=day), verdict, rating) for dish, verdict, rating, day in opinions
    ]


def test_stated_opinions_of_a_block_are_compared_with_each_other_and_none_is_history() -> None:
    lines = _stated(*((dish, LIKED if n % 2 else DISLIKED, None, n) for n, dish in enumerate("pqrstu")))
    comparisons = _compare(lines, {})
    first, second = comparisons[:4], comparisons[4:]
    assert {each.dishes for each in first} == {("p", "q"), ("q", "r"), ("p", "s"), ("r", "s")}
    assert all(each.chosen in "qs" and not each.history for each in first)
    assert [(each.dishes, each.chosen) for each in second] == [(("t", "u"), "u")]
    assert [past.dish_id for past in second[0].history] == ["p", "q", "r", "s"]


def test_no_comparison_rests_on_both_sides_of_the_cut() -> None:
    lines = _stated(*((dish, LIKED if n % 2 else DISLIKED, None, n) for n, dish in enumerate("pqrstu")))
    cut = np.datetime64(DAY.date() + timedelta(days=3))
    comparisons = _table(lines, {}, cut)
    assert {each.dishes for each in comparisons if each.at.date() < cut.item()} == {("p", "q"), ("q", "r")}
    assert {each.dishes for each in comparisons if each.at.date() >= cut.item()} == {("s", "t"), ("t", "u")}


def test_a_later_rating_replaces_an_earlier_one_and_orders_add_up() -> None:
    lines = [
        *_stated(("p", 0, 1.0, 0), ("q", 0, 5.0, 0), ("r", 0, 3.0, 0), ("s", 0, 3.0, 0)),
        *_stated(("p", 0, 5.0, 1), ("v", 0, 3.0, 1), ("w", 0, 3.0, 1), ("y", 0, 3.0, 1)),
        Line("x", "o", DAY + timedelta(days=2), order=True),
        Line("x", "o", DAY + timedelta(days=3), order=True),
        *_stated(("t", 0, 1.0, 9), ("u", 0, 2.0, 9)),
    ]
    last = _compare(lines, {})[-1]
    assert (last.dishes, last.chosen) == (("t", "u"), "u")
    assert [past.dish_id for past in last.history] == ["q", "r", "s", "p", "v", "w", "y", "o", "o"]
    assert next(past.rating for past in last.history if past.dish_id == "p") == 5.0


def test_orders_are_compared_with_what_others_ordered_that_day() -> None:
    lines = [
        Line(who, dish, DAY, order=True) for who, dish in (("x", "p"), ("y", "q"), ("z", "p"), ("w", "r"))
    ]
    pairs = {(each.person_id, each.chosen, each.dishes) for each in _compare(lines, {})}
    assert ("x", "p", ("p", "q")) in pairs
    assert ("x", "p", ("p", "r")) in pairs
    assert all(person != "x" or chosen == "p" for person, chosen, _ in pairs)
    alone = [Line("x", dish, DAY + timedelta(days=n), order=True) for n, dish in enumerate("pqr")]
    assert _compare(alone, {}) == []


def test_likes_are_compared_with_others_likes_only_where_nothing_else_is_stated() -> None:
    likes = [Line(who, dish, DAY, LIKED) for who, dish in (("x", "p"), ("y", "q"))]
    assert {each.dishes for each in _compare(likes, {})} == {("p", "q")}
    assert _compare([*likes, Line("z", "r", DAY, DISLIKED)], {}) == []


def test_two_ratings_of_one_dish_at_one_moment_have_keys_of_their_own() -> None:
    lines = [*_stated(("p", 0, 1.0, 0), ("q", 0, 5.0, 0)), *_stated(("p", 0, 2.0, 0))]
    menus = {"m": ["p", "q"]}
    twice = [Line("x", "p", DAY, menu_id="m"), Line("x", "p", DAY, menu_id="m")]
    for table in _table(lines, {}), _table(twice, menus):
        assert len(table)
        assert len(set(table.key)) == len(table)


def test_equal_keys_of_two_people_are_numbered_in_their_order() -> None:
    at = DAY.isoformat()
    stated = [Line("x", dish, DAY, rating=n, source=f"{at}/s") for dish, n in (("d", 5.0), ("e", 1.0))]
    choice = Line(f"x/{at}", "d>e", DAY, menu_id="s")
    keys = [each.key for each in _table([choice, *stated], {"s": ["d>e", "f"]})]
    assert keys == [f"x/{at}/{at}/s/d>e", f"x/{at}/{at}/s/d>e#2"]


def test_days_are_those_of_the_site() -> None:
    at = np.array(
        ["2026-01-05T03:30", "2026-01-05T06:00", "2026-07-05T03:30", "2026-07-05T04:00"], "datetime64[us]"
    )
    days = local_days(at, "America/New_York").astype(str).tolist()
    assert days == ["2026-01-04", "2026-01-05", "2026-07-04", "2026-07-05"]


@pytest.mark.parametrize(
    ("rating", "verdict"), [(5, LIKED), (4, LIKED), (3, NEUTRAL), (2, DISLIKED), (1, DISLIKED)]
)
def test_a_rating_between_the_bounds_is_neutral(rating: float, verdict: int) -> None:
    log = log_of([Line("x", "d", DAY, rating=rating)], {})
    assert log.past(0) == Past("d", verdict, rating)


def test_a_history_is_whole_and_a_range_of_the_log() -> None:
    menus = {f"m{day}": ["a", "b"] for day in range(40)}
    lines = [Line("x", "a", DAY + timedelta(days=day), menu_id=f"m{day}") for day in range(40)]
    table = _table(lines, menus)
    assert table.history_sizes.tolist() == list(range(40))
    assert not len(table.hidden)


def test_shifting_a_future_event_leaves_the_training_file_byte_for_byte_the_same(tmp_path: Path) -> None:
    before = _choices()
    after = [
        replace(line, dish_id="d5a", at=line.at + timedelta(minutes=7), menu_id="m5")
        if line.at > DAY + timedelta(days=4, hours=1) else line
        for line in before
    ]  # fmt: skip
    files = []
    for name, lines in (("before", before), ("after", after)):
        split = _split(lines, 2, 1)
        _write(tmp_path / name, split)
        files.append((tmp_path / name / "train.parquet").read_bytes())
        assert split.train.at.max() < split.test.at.min()
    assert before != after
    assert files[0] == files[1]


def _split(lines: Sequence[Line], test_days: int, min_history: int) -> Split:
    log = log_of(lines, MENUS)
    cut = cut_day(compare(log, 0), test_days, min_history)
    return split_by_time(compare(log, 0, cut), cut, min_history)


def _write(folder: Path, split: Split) -> None:
    dishes = {dish: Dish(dish, dish.upper(), tags=("t",)) for dish in split.train.log.dishes}
    comparison_files.write_split(folder, dishes, split)


def test_comparisons_survive_their_files(tmp_path: Path) -> None:
    stated = [Line("x", f"d{day}a", DAY + timedelta(days=day, hours=1), 0, float(day)) for day in range(6)]
    split = _split([*_choices(), *stated, Line("w", "d0a", DAY, DISLIKED, source="s")], 2, 1)
    _write(tmp_path, split)
    files = comparison_files.read_split(tmp_path)
    assert list(files.train) == list(split.train)
    assert list(files.test) == list(split.test)
    assert files.train.log is files.test.log
    assert files.train.log.sources == split.train.log.sources
    assert files.dishes["d0a"] == Dish("d0a", "D0A", tags=("t",))
    assert comparison_files.newest(tmp_path) == split.train.newest
    assert files.may_know.tolist() == split.may_know.tolist()
    menus, before = files.train.log.menus, split.train.log.menus
    assert (menus.ids, menus.dish.tolist(), menus.sizes.tolist()) == (
        before.ids, before.dish.tolist(), before.sizes.tolist()
    )  # fmt: skip
    for column in COLUMNS:
        assert np.array_equal(
            getattr(files.train.log, column), getattr(split.train.log, column), equal_nan=column == "rating"
        )


def test_a_split_that_leaves_nothing_to_train_on_says_so() -> None:
    with pytest.raises(DataRejected, match="leaves 0 training and 0 test comparisons"):
        _split([Line("x", "d0a", DAY, menu_id="m0")], 2, 1)
    assert len(_split(_choices(), 2, 9).test) == 0
    assert len(np.unique(_split(_choices(), 6, 0).test.day)) == 4


def test_the_sample_is_tested_on_exactly_the_published_cases() -> None:
    raw = Folder(str(REPO / "data" / "sample" / "canteen")).read({}).tables
    tables = accept(raw, {}, Limits(datetime.now(UTC), (0, 100))).tables
    dishes, menus = dishes_of(tables["dishes"]), menus_of(tables["menus"])
    log = opinion_log(EventColumns.of(tables["events"]), dishes, menus, Scale(4, 2, "Europe/Zurich"))
    cut = cut_day(compare(log, 0), 3, 3)
    test = split_by_time(compare(log, 0, cut), cut, 3).test
    with (REPO / "tests" / "data" / "canteen_cases_days9-11.csv").open() as file:
        published = {(row["person"], row["chosen"], row["candidates"]) for row in csv.DictReader(file)}
    assert len(published) == len(test) == 1800
    assert {(each.person_id, each.chosen, " ".join(each.dishes)) for each in test} == published
