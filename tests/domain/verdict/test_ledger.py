"""Each entry counts once, a recipe keeps its ledger, and the ledger survives its file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison
from components.domain.verdict import ledger
from components.domain.verdict.gate import judge
from components.domain.verdict.judging import gains_of_tuning
from components.domain.verdict.ledger import Entry, Ledger
from components.domain.verdict.sequence import DailyDifferences

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
FULL = 30


def _test(*days: int, people: Sequence[str] = tuple(f"p{number}" for number in range(FULL))) -> Comparisons:
    """A comparison a person and day."""
    return comparison_table(
        [
            Comparison(
                person, (), ("a", "b"), key=f"{person}/{day}", at=START + timedelta(days=day), chosen="a"
            )
            for day in days
            for person in people
        ]
    )


def _next(before: Ledger, *days: int, difference: float = 0.1, today: int | None = None) -> Ledger:
    test = _test(*days)
    return before.next({"rule": np.full(len(test), difference)}, test, "" if today is None else _day(today))


def _day(number: int) -> str:
    return str((START + timedelta(days=number)).date())


def test_a_day_that_was_judged_is_not_judged_again() -> None:
    first = _next(Ledger("recipe", ""), 1, 2, 3)
    second = _next(first, 2, 3, 4, difference=0.9)
    assert [entry.day for entry in second.days] == [_day(number) for number in (1, 2, 3, 4)]
    assert second.differences("rule").values == pytest.approx((0.1, 0.1, 0.1, 0.9))
    assert (second.looks, second.last) == (2, _day(4))


def test_another_recipe_starts_empty_and_another_champion_after_the_last_day() -> None:
    before = {"new": _next(Ledger("recipe", "1"), 1, 2)}
    assert ledger.opened(before, "new", "recipe", "1") == before["new"]
    assert ledger.opened(before, "new", "other", "1") == Ledger("other", "1")
    assert ledger.opened(before, "other", "recipe", "1") == Ledger("recipe", "1")
    beside_another = _next(ledger.opened(before, "new", "recipe", "2"), 1, 2, 3)
    assert [entry.day for entry in beside_another.days] == [_day(3)]
    assert beside_another.differences("rule").follows_champion
    assert not before["new"].differences("rule").follows_champion


def test_a_rival_counts_in_the_entries_in_which_it_was_measured() -> None:
    entries = Entry("2026-01-01", 40, {"rule": 0.1}), Entry("2026-01-02", 50, {"late": 0.2})
    ours = Ledger("recipe", "", days=entries)
    assert ours.differences("late").values == (0.2,)
    assert (ours.differences("late").people, ours.differences("rule").people) == (50, 40)
    assert ours.differences("nobody") == DailyDifferences((), 0)


def test_an_entrys_difference_is_the_mean_over_its_people() -> None:
    test = _test(0, 1, people=[f"p{number}" for number in range(FULL - 1)])
    alone = Comparison("late", (), ("a", "b"), key="late", at=START + timedelta(days=1), chosen="a")
    test = comparison_table([*test, alone])
    values = np.array([{"p0": 0.5, "late": 1.0}.get(each.person_id, 0.0) for each in test])
    values[[list(test.key).index(f"p0/{day}") for day in (0, 1)]] = 0.2, 0.6
    values[list(test.key).index("p1/0")] = np.nan
    (entry,) = Ledger("recipe", "").next({"rule": values, "never": np.full(len(test), np.nan)}, test).days
    assert entry == Entry(_day(1), FULL, {"rule": pytest.approx((0.4 + 1.0) / FULL)})


def test_days_of_one_person_decide_nothing() -> None:
    """Ten of them beside ten of 39 people, and a ledger that an earlier Palate filled with them."""
    one = Ledger("recipe", "").next({"rule": np.full(60, 0.5)}, _test(*range(60), people=["eve"]))
    assert one.days == ()
    assert judge("new", {"rule": one.differences("rule")}, 1, 0.95).decision == "inconclusive"
    few = [
        Entry(_day(number), 39 if number < 3 else 1, {"rule": 0.3 + 0.01 * (number % 2)})
        for number in range(13)
    ]
    stored = ledger.from_json(ledger.to_json({"new": Ledger("recipe", "", days=tuple(few))}, ""))["new"]
    result = judge("new", {"rule": stored.differences("rule")}, 1, 0.95)
    assert (result.decision, "1 person (at least 30)" in result.reason) == ("inconclusive", True)
    many = stored
    for number in range(13, 25):
        many = _next(many, number)
    assert many.differences("rule").people == FULL
    assert many.days[:13] == tuple(few)


def test_a_day_that_is_not_over_waits() -> None:
    first = _next(Ledger("recipe", ""), 1, 2, today=2)
    assert [entry.day for entry in first.days] == [_day(1)]
    assert [entry.day for entry in _next(first, 1, 2, 3).days] == [_day(1), _day(2), _day(3)]


def test_the_ledger_survives_its_file() -> None:
    ledgers = {"new": _next(Ledger("recipe", "3", "2026-01-01"), 2, 3)}
    assert ledger.from_json(json.loads(json.dumps(ledger.to_json(ledgers, "abc")))) == ledgers
    assert ledger.from_json({}) == {}


def test_a_recipe_changes_with_every_setting() -> None:
    one = ledger.recipe_hash({"rank": 8, "prompt": {"dish_fields": ("name",)}})
    assert one == ledger.recipe_hash({"prompt": {"dish_fields": ["name"]}, "rank": 8})
    assert one != ledger.recipe_hash({"rank": 9, "prompt": {"dish_fields": ("name",)}})


def _tuned(*gains: float, rival: str = "base-vectors") -> dict[str, Ledger]:
    days = tuple(Entry(_day(number), FULL, {rival: gain}) for number, gain in enumerate(gains))
    return {"vectors": Ledger("recipe", "", days=days)}


@pytest.mark.parametrize(
    ("ledgers", "is_little"),
    [
        (_tuned(*[0.001, -0.001] * 6), True),
        (_tuned(*[-0.03, -0.031] * 6), True),  # worse than the frozen base
        (_tuned(*[0.001, -0.001] * 4), False),  # too few days
        (_tuned(*[0.011, 0.009] * 6), False),  # tuning pays
        (_tuned(*[0.05, -0.05] * 6), False),  # nobody knows yet
        (_tuned(*[0.001, -0.001] * 6, rival="popularity"), False),  # a head alone has no such rival
    ],
)
def test_tuning_is_called_little_only_where_days_show_it(ledgers: dict[str, Ledger], is_little: bool) -> None:
    assert list(gains_of_tuning(ledgers, 0.95)) == ["vectors"] * is_little
