"""Each day counts once, a recipe keeps its ledger, and the ledger survives its file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table
from components.domain.records import Comparison
from components.domain.verdict import ledger
from components.domain.verdict.ledger import JudgedDay, Ledger

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _days(*numbers: int, difference: float = 0.1) -> list[JudgedDay]:
    return [JudgedDay(f"2026-01-{number:02}", 40, {"rule": difference}) for number in numbers]


def test_a_day_that_was_judged_is_not_judged_again() -> None:
    first = Ledger("recipe", "").next(_days(1, 2, 3))
    second = first.next(_days(2, 3, 4, difference=0.9))
    assert [day.day[-2:] for day in second.days] == ["01", "02", "03", "04"]
    assert second.differences("rule").values == (0.1, 0.1, 0.1, 0.9)
    assert (second.looks, second.last) == (2, "2026-01-04")


def test_another_recipe_starts_empty_and_another_champion_after_the_last_day() -> None:
    before = {"new": Ledger("recipe", "1").next(_days(1, 2))}
    assert ledger.opened(before, "new", "recipe", "1") == before["new"]
    assert ledger.opened(before, "new", "other", "1") == Ledger("other", "1")
    assert ledger.opened(before, "other", "recipe", "1") == Ledger("recipe", "1")
    beside_another = ledger.opened(before, "new", "recipe", "2").next(_days(1, 2, 3))
    assert [day.day for day in beside_another.days] == ["2026-01-03"]


def test_a_rival_counts_on_the_days_on_which_it_was_measured() -> None:
    days = [*_days(1), JudgedDay("2026-01-02", 50, {"late": 0.2})]
    entry = Ledger("recipe", "").next(days)
    assert entry.differences("late").values == (0.2,)
    assert (entry.differences("late").people, entry.differences("rule").people) == (50, 40)
    assert entry.differences("nobody").values == ()


def test_a_days_difference_is_the_mean_over_its_people() -> None:
    comparisons = [
        Comparison(
            person, (), ("a", "b"), key=f"{person}{number}", at=START + timedelta(days=day), chosen="a"
        )
        for number, (person, day) in enumerate([("ada", 0), ("ada", 0), ("bo", 0), ("bo", 1), ("ada", 1)])
    ]
    table = comparison_table(comparisons)
    by_key = dict(zip([each.key for each in comparisons], [1.0, 0.0, 0.0, 0.4, np.nan], strict=True))
    values = np.array([by_key[key] for key in table.key])
    one, two = ledger.judged_days({"rule": values, "never": np.full(5, np.nan)}, table)
    assert one == JudgedDay("2026-01-05", 2, {"rule": pytest.approx(0.25)})
    assert two == JudgedDay("2026-01-06", 2, {"rule": pytest.approx(0.4)})


def test_the_ledger_survives_its_file() -> None:
    ledgers = {"new": Ledger("recipe", "3", "2026-01-01").next(_days(2, 3))}
    assert ledger.from_json(json.loads(json.dumps(ledger.to_json(ledgers, "abc")))) == ledgers
    assert ledger.from_json({}) == {}


def test_a_recipe_changes_with_every_setting() -> None:
    one = ledger.recipe_hash({"rank": 8, "prompt": {"dish_fields": ("name",)}})
    assert one == ledger.recipe_hash({"prompt": {"dish_fields": ["name"]}, "rank": 8})
    assert one != ledger.recipe_hash({"rank": 9, "prompt": {"dish_fields": ("name",)}})
