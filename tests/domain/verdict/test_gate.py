"""The gate passes what is clearly better than every rival, fails what is not, and else asks for more."""

from __future__ import annotations

import pytest

from components.domain.verdict.clusters import Estimate
from components.domain.verdict.gate import GateResult, judge
from components.domain.verdict.sequence import DailyDifferences


def _gap(mean: float, error: float = 0.01, people: int = 400, menu_days: int | None = 60) -> Estimate:
    return Estimate(mean, error, people, menu_days, 10 * people)


def _judge(candidates: int = 1, **gaps: Estimate) -> GateResult:
    return judge("new", gaps, candidates, 0.95)


def test_what_beats_every_rival_passes_and_the_closest_is_named() -> None:
    result = _judge(rule=_gap(0.05), random=_gap(0.2))
    assert (result.decision, result.rival) == ("pass", "rule")
    assert "new beats rule: +0.0500 pair accuracy" in result.reason


@pytest.mark.parametrize("mean", [0.0, -0.001, -0.2])
def test_a_tie_and_less_are_a_fail_however_much_the_others_are_beaten(mean: float) -> None:
    result = _judge(rule=_gap(mean), noisy=_gap(0.3, error=0.5))
    assert (result.decision, result.rival) == ("fail", "rule")
    assert "does not beat rule" in result.reason


def test_a_difference_that_more_data_would_decide_is_inconclusive_and_says_how_much() -> None:
    result = _judge(rule=_gap(0.01))
    assert result.decision == "inconclusive"
    # t with 59 degrees of freedom is 2.001: four times the menu days would make the margin as small as 0.01.
    assert "about 181 more menu days would decide" in result.reason
    assert "more people would decide" in _judge(rule=_gap(0.01, menu_days=None)).reason


@pytest.mark.parametrize(
    ("people", "menu_days", "words"),
    [(1, None, "1 person (at least 30)"), (29, 60, "29 people"), (400, 3, "3 menu days (at least 10)")],
)
@pytest.mark.parametrize("mean", [0.2, -0.2])
def test_with_few_people_or_menu_days_nothing_is_decided(
    people: int, menu_days: int | None, words: str, mean: float
) -> None:
    result = _judge(rule=_gap(mean, people=people, menu_days=menu_days))
    assert result.decision == "inconclusive"
    assert words in result.reason


def test_the_interval_widens_with_the_number_of_candidates() -> None:
    one, four = (_judge(candidates, rule=_gap(0.021)) for candidates in (1, 4))
    assert four.confidence == pytest.approx(0.9875)
    assert four.difference.low < one.difference.low
    assert (one.decision, four.decision) == ("pass", "inconclusive")


def _days(count: int, mean: float, spread: float = 0.05) -> DailyDifferences:
    return DailyDifferences(tuple(mean + spread * (-1) ** day for day in range(count)), 400)


@pytest.mark.parametrize(
    ("count", "mean", "decision", "words"),
    [
        (9, 0.3, "inconclusive", "9 days (at least 10)"),
        (20, 0.3, "pass", "over 20 days, each judged once before it was trained on"),
        (20, 0.01, "inconclusive", "more days would decide"),
        (90, -0.01, "fail", "does not beat rule"),
    ],
)
def test_days_are_judged_like_tests(count: int, mean: float, decision: str, words: str) -> None:
    result = judge("new", {"rule": _days(count, mean)}, 1, 0.95)
    assert result.decision == decision
    assert words in result.reason


def test_a_ledger_without_a_day_is_said_in_words_and_not_in_figures() -> None:
    for follows, words in ((True, "since the champion changed"), (False, "of 30 people yet")):
        result = judge("new", {"rule": DailyDifferences((), 0, follows)}, 1, 0.95)
        assert result.reason == f"new cannot be told from rule: no new day {words} (at least 10)"
    assert "interval unknown over 1 days" in judge("new", {"rule": _days(1, 0.3)}, 1, 0.95).reason


def test_with_too_few_days_the_nearest_rival_is_named_and_not_the_noisiest() -> None:
    near, noisy = _days(3, 0.01, spread=0.01), _days(3, 0.2, spread=0.4)
    result = judge("new", {"noisy": noisy, "near": near}, 1, 0.95)
    assert (result.decision, result.rival) == ("inconclusive", "near")


def test_a_rival_with_too_few_days_is_never_passed_over() -> None:
    beaten, new = _days(90, 0.05), _days(3, 0.3)
    result = judge("new", {"beaten": beaten, "fresh": new}, 1, 0.95)
    assert (result.decision, result.rival) == ("inconclusive", "fresh")
    assert judge("new", {"beaten": beaten}, 1, 0.95).decision == "pass"


def test_what_is_not_beaten_on_enough_days_fails_whatever_others_lack() -> None:
    result = judge("new", {"better": _days(90, -0.01), "fresh": _days(3, -0.3)}, 1, 0.95)
    assert (result.decision, result.rival) == ("fail", "better")
