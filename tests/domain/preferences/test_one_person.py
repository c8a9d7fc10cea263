"""What one person can move: the same attack, to say one thing very often, on all that counts opinions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from components.domain.preferences.comparisons import compare
from components.domain.preferences.moments import moments_of
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.others_picks import pairs_with_others
from components.domain.preferences.popularity import popularities
from components.domain.preferences.splits import USUAL, split_of
from components.domain.preferences.strengths import known_opinions
from components.domain.rivals.rules import wins
from tests.domain.preferences.opinion_logs import Line, log_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DISHES = [f"d{number:02}" for number in range(30)]
MENUS = {f"m{number}": (DISHES[number % 29], "d29") for number in range(400)}
TIMES = [1, 3, 300]


def _log(kind: str, times: int) -> OpinionLog:
    """Sixty people who say one thing each, and Eve, who says so often that she likes d29."""
    is_order, is_choice = kind == "order", kind == "choice"
    lines = [
        Line(f"p{n:02}", DISHES[n % 20], NOON + timedelta(days=n % 5), order=is_order,
             menu_id=f"m{n % 20}" if is_choice else "")
        for n in range(60)
    ]  # fmt: skip
    lines += [
        Line("eve", "d29", NOON + timedelta(days=n % 9, seconds=n), order=is_order,
             menu_id=f"m{n}" if is_choice else "")
        for n in range(times)
    ]  # fmt: skip
    return log_of(lines, MENUS if is_choice else {})


@pytest.mark.parametrize("kind", ["order", "like", "choice"])
@pytest.mark.parametrize("times", TIMES)
def test_who_says_it_again_moves_no_strangers_menu(kind: str, times: int) -> None:
    shares = {dish: popular.share for dish, popular in popularities(_log(kind, times)).items()}
    strangers = [dish for dish in DISHES[:20] if shares[dish] <= shares["d29"]]
    assert strangers == []
    assert popularities(_log(kind, times))["d29"].opinions == 1


@pytest.mark.parametrize("kind", ["order", "like"])
def test_evidence_and_rules_have_a_persons_picks_of_a_dish_as_one(kind: str) -> None:
    few, many = (_log(kind, times) for times in (1, 300))
    means = []
    for log in (few, many):
        opinions = known_opinions(log, np.ones(len(log), bool))
        moments = moments_of(opinions, log.menus, len(log.dishes))
        means.append(moments.expected.mean)
        assert np.bincount(opinions.dish, opinions.weights).max() <= 3 + 1e-9
    assert means[1] == pytest.approx(means[0])


def test_choices_again_and_again_win_no_more_than_one() -> None:
    few, many = (wins(compare(_log("choice", times), 0))[-1] for times in (1, 300))
    assert many == pytest.approx(few)


def test_proportions_of_what_a_person_picks_stay() -> None:
    lines = [Line("ada", "a" if n % 10 else "b", NOON + timedelta(hours=n), order=True) for n in range(40)]
    opinions = known_opinions(log_of(lines, {}), np.ones(40, bool))
    assert np.bincount(opinions.dish, opinions.weights) == pytest.approx([1, 1 / 9])


def test_nobody_is_everybodys_other_pick() -> None:
    log = _log("order", 300)
    line, other = pairs_with_others(log, 0)
    eve = log.people.index("eve")
    of_eve = (log.person[other] == eve) & (log.person[line] != eve)
    assert of_eve.mean() < 0.2
    assert (log.person[line] == eve).sum() <= 4 * 9


def test_one_of_many_is_trained_on_as_ten_of_them_at_most() -> None:
    lines = [
        Line(person, DISHES[n % 29], NOON + timedelta(hours=n), menu_id=f"m{n}")
        for person, count in [*((f"p{number}", 5) for number in range(200)), ("eve", 400)]
        for n in range(1, count)
    ]
    train = compare(log_of(lines, MENUS), 0)
    split = split_of(train, train.take([]), np.ones(len(train.log), bool))
    counts = np.bincount(split.train.person)
    assert counts[train.log.people.index("eve")] == USUAL
    assert np.delete(counts, train.log.people.index("eve")).tolist() == [4] * 200
