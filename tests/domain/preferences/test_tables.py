"""Tables say what records say: held against plain loops on random logs."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from components.domain.preferences.comparisons import STATED_SET_SIZE, compare
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


def _prefers(one: Line, other: Line) -> bool:
    if one.source != other.source:
        return False
    if one.rating is not None and other.rating is not None:
        return one.rating > other.rating
    return _verdict(one) > _verdict(other)


def _plain(lines: list[Line]) -> list[tuple[object, ...]]:
    """Person, moment, dishes, chosen dish and dishes of the history, by loops over records."""
    results: list[tuple[object, ...]] = []
    for person in sorted({line.person_id for line in lines}):
        ordered = sorted(
            (line for line in lines if line.person_id == person),
            key=lambda each: (each.at, each.source, each.menu_id, each.dish_id),
        )
        for line in ordered:
            before = [each for each in ordered if each.at < line.at]
            if line.menu_id:
                others = {each.dish_id for each in ordered if each.menu_id == line.menu_id} - {line.dish_id}
                dishes, chosen = [dish for dish in MENUS[line.menu_id] if dish not in others], line.dish_id
            else:
                stated = {each.dish_id: each for each in before if not each.menu_id}
                stated.pop(line.dish_id, None)
                less = [each.dish_id for each in stated.values() if _prefers(line, each)]
                more = [each.dish_id for each in stated.values() if _prefers(each, line)]
                dishes = sorted([line.dish_id, *(less[1 - STATED_SET_SIZE :] or more[-1:])])
                chosen = line.dish_id if less or not more else more[-1]
                before = [each for each in before if each.dish_id not in dishes]
            if len(dishes) > 1:
                history = [(each.dish_id, _verdict(each), each.rating) for each in before]
                results.append((person, line.at, tuple(dishes), chosen, history))
    return results


@pytest.mark.parametrize("seed", range(60))
def test_comparisons_are_those_of_plain_loops(seed: int) -> None:
    lines = _random_lines(seed)
    comparisons = compare(*log_of(lines, MENUS), 1000)
    rows = [
        (each.person_id, each.at, each.dishes, each.chosen,
         [(past.dish_id, past.verdict, past.rating) for past in each.history])
        for each in comparisons
    ]  # fmt: skip
    assert rows == _plain(lines)
    assert comparisons.history_sizes.tolist() == [len(history) for *_, history in rows]


@pytest.mark.parametrize("seed", range(20))
def test_a_part_of_a_table_is_the_same_part_of_its_records(seed: int) -> None:
    comparisons = compare(*log_of(_random_lines(seed), MENUS), 3)
    records = list(comparisons)
    assert all(len(each.history) <= 3 for each in records)
    numbers = random.Random(seed).choices(range(len(records)), k=len(records)) if records else []
    assert list(comparisons.take(numbers)) == [records[number] for number in numbers]


@pytest.mark.parametrize("seed", range(20))
def test_some_lines_of_the_histories_are_those_lines(seed: int) -> None:
    comparisons = compare(*log_of(_random_lines(seed), MENUS), 5)
    lines = comparisons.lines()
    chosen = np.random.default_rng(seed).random(len(lines.line)) < 0.5
    part = comparisons.with_history_lines(lines, chosen)
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
    assert [(each.key, each.at, each.chosen) for each in table] == [
        (each.key, each.at, each.chosen) for each in mixed
    ]
    assert [question_table(plain).question(number) for number in range(len(plain))] == plain


def test_a_table_without_questions_is_empty() -> None:
    empty = comparison_table([])
    assert (len(empty), list(empty), len(empty.lines().line)) == (0, [], 0)
