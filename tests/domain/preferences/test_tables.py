"""Tables say what records say: held against plain loops on random logs."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from components.domain.preferences.comparisons import compare
from components.domain.preferences.from_records import comparison_table, question_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import DISLIKED, LIKED, Comparison, Question
from tests.domain.preferences.opinion_logs import Line, log_of

START = datetime(2026, 1, 1, tzinfo=UTC)
MENUS = {f"m{n}": [f"d{(n + k) % 9}" for k in range(4)] for n in range(5)}


def _random_lines(seed: int) -> list[Line]:
    """Choices, ratings, likes and dislikes of a few people, many of them at one moment or on one dish."""
    draw = random.Random(seed)
    lines: dict[tuple[object, ...], Line] = {}
    for _ in range(draw.randrange(1, 60)):
        person, at = f"p{draw.randrange(3)}", START + timedelta(hours=draw.randrange(12))
        source, menu = draw.choice(["", "", "s"]), draw.choice(list(MENUS))
        dish = draw.choice(MENUS[menu])
        line = draw.choice(
            [
                Line(person, dish, at, menu_id=menu, source=source),
                Line(person, dish, at, rating=float(draw.randrange(1, 6)), source=source),
                Line(person, dish, at, draw.choice([LIKED, DISLIKED]), source=source),
            ]
        )
        lines[person, at, source, line.menu_id, dish] = line
    return list(lines.values())


def _verdict(line: Line) -> int:
    if line.rating is None:
        return line.verdict
    return 1 if line.rating >= 4 else -1 if line.rating <= 2 else 0


def _history(lines: list[Line], line: Line) -> list[Line]:
    """The person's lines strictly before, without stated ones that a later one of them replaces."""
    before = [each for each in lines if each.person_id == line.person_id and each.at < line.at]
    before.sort(key=lambda line: (line.at, line.source, line.menu_id, line.dish_id))
    latest = {(each.source, each.dish_id): each for each in before if not each.menu_id}
    return [each for each in before if each.menu_id or latest[each.source, each.dish_id] is each]


@pytest.mark.parametrize("seed", range(5))
def test_choices_are_those_of_plain_loops(seed: int) -> None:
    lines = _random_lines(seed)
    expected = []
    for line in lines:
        if line.menu_id:
            occasion = (line.person_id, line.menu_id, line.at)
            others = {each.dish_id for each in lines if (each.person_id, each.menu_id, each.at) == occasion}
            dishes = tuple(d for d in MENUS[line.menu_id] if d == line.dish_id or d not in others)
            history = [(each.dish_id, _verdict(each), each.rating) for each in _history(lines, line)]
            if len(dishes) > 1:
                expected.append((line.person_id, line.at, dishes, line.dish_id, history))
    table = compare(log_of(lines, MENUS), 0)
    choices = [
        (choice.person_id, choice.at, choice.dishes, choice.chosen,
         [(past.dish_id, past.verdict, past.rating) for past in choice.history])
        for choice in table.take(np.flatnonzero(table.menu >= 0))
    ]  # fmt: skip
    assert sorted(choices, key=str) == sorted(expected, key=str)
    assert table.history_sizes.tolist() == [len(each.history) for each in table]


@pytest.mark.parametrize("seed", range(5))
def test_a_part_of_a_table_is_the_same_part_of_its_records(seed: int) -> None:
    comparisons = compare(log_of(_random_lines(seed), MENUS), 0)
    records = list(comparisons)
    numbers = random.Random(seed).choices(range(len(records)), k=len(records)) if records else []
    assert list(comparisons.take(numbers)) == [records[number] for number in numbers]


@pytest.mark.parametrize("seed", range(5))
def test_some_lines_of_the_histories_are_those_lines(seed: int) -> None:
    comparisons = compare(log_of(_random_lines(seed), MENUS), 0)
    lines = comparisons.lines
    chosen = np.random.default_rng(seed).random(len(lines.line)) < 0.5
    part = comparisons.with_history_lines(chosen)
    ends = np.cumsum(lines.sizes)
    for number, (before, after) in enumerate(zip(comparisons, part, strict=True)):
        stays = chosen[ends[number] - lines.sizes[number] : ends[number]]
        assert after.history == tuple(np.array(before.history, object)[stays].tolist())


def test_records_survive_the_table(comparisons: list[Comparison]) -> None:
    mixed = comparisons[::2] + comparisons[1::2]
    table = comparison_table(mixed)
    assert isinstance(table, Comparisons)
    plain = [Question(each.person_id, each.history, each.dishes) for each in mixed]
    assert [table.question(number) for number in range(len(table))] == plain
    assert [(comparison.key, comparison.at, comparison.chosen) for comparison in table] == [
        (comparison.key, comparison.at, comparison.chosen) for comparison in mixed
    ]
    assert [question_table(plain).question(number) for number in range(len(plain))] == plain


def test_a_table_without_questions_is_empty() -> None:
    empty = comparison_table([])
    assert (len(empty), list(empty), len(empty.lines.line)) == (0, [], 0)


@pytest.mark.parametrize("seed", range(5))
def test_among_some_dishes_comparisons_are_what_plain_loops_leave(seed: int) -> None:
    table = compare(log_of(_random_lines(seed), MENUS), 0)
    stays = np.random.default_rng(seed).random(len(table.log.dishes)) < 0.6
    names = {dish for dish, stay in zip(table.log.dishes, stays, strict=True) if stay}
    expected = [
        (one.key, tuple(dish for dish in one.dishes if dish in names), one.chosen, one.history)
        for one in table
        if one.chosen in names and len(names.intersection(one.dishes)) > 1
    ]
    assert [(each.key, each.dishes, each.chosen, each.history) for each in table.among(stays)] == expected
