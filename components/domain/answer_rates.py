"""How the service's answers fare: how many get feedback, and how much of it is positive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

import numpy as np
from scipy.stats import binomtest, fisher_exact

from components.domain.catalogue import Thresholds
from components.domain.exposures import PICKS, Answered, Reaction
from components.domain.preferences.opinions import STATED
from components.domain.records import LIKED
from components.domain.verdict.metrics import Interval

WEEK = timedelta(days=7)
BY_CHANCE = 0.001  # probability of a fall that is told although nothing changed
Cell = tuple[date, str]  # local day of the answer, version that gave it


@dataclass(frozen=True)
class AnswerRates:
    """One day's answers of one version.

    Attributes:
        day: Day of the answers at the site.
        model_version: Version that gave them.
        answers: Number of answers.
        joined: Share of them that any feedback names, with Wilson's interval.
        judged: Number of shown dishes that feedback is about.
        positive: Share of these whose last feedback is a like, a choice, an order or a rating that is a like;
            None without any.
        position: Mean position of the dishes that were chosen or ordered, 1 for the best; None without any.
    """

    day: date
    model_version: str
    answers: int
    joined: Interval
    judged: int
    positive: Interval | None
    position: float | None


def answer_rates(
    rows: Iterable[Answered], thresholds: Thresholds, timezone: str, confidence: float
) -> list[AnswerRates]:
    """Rates by day and version, the latest day first.

    Feedback counts on the day of its answer, whenever it comes. A dish of an answer counts once, with what
    was last done or stated of it and not taken back. An answer whose feedback was taken back got feedback.

    Args:
        rows: The answers with their feedback, oldest feedback first.
        thresholds: What a rating means.
        timezone: Of the site.
        confidence: Of the intervals, which count answers and dishes as independent of each other.
    """
    zone = ZoneInfo(timezone)
    answers, joined = defaultdict[Cell, set[str]](set), defaultdict[Cell, set[str]](set)
    last = defaultdict[Cell, dict[tuple[str, str], Reaction]](dict)
    for row in rows:
        cell, reaction = (row.at.astimezone(zone).date(), row.model_version), row.reaction
        answers[cell].add(row.answer_id)
        if reaction:
            joined[cell].add(row.answer_id)
        if reaction and reaction.position and _stands(reaction):
            last[cell][row.answer_id, reaction.dish_id] = reaction
    return [
        _rates(cell, len(answers[cell]), len(joined[cell]), list(last[cell].values()), thresholds, confidence)
        for cell in sorted(answers, key=_order)
    ]


def why_fallen(rates: Iterable[AnswerRates], today: date) -> str | None:
    """A sentence where dishes of the last week were received clearly worse than those before; None else.

    By Fisher's exact test, which counts dishes as independent of each other, so chance must be very unlikely.

    Args:
        rates: Of the days that are compared.
        today: The last of them.
    """
    lately, before = [0, 0], [0, 0]  # positive, and not
    for row in rates:
        positive = round(row.positive.mean * row.judged) if row.positive else 0
        counts = lately if today - row.day < WEEK else before
        counts[0] += positive
        counts[1] += row.judged - positive
    if fisher_exact(np.array([lately, before]), alternative="less").pvalue >= BY_CHANCE:
        return None
    share, earlier = (counts[0] / sum(counts) for counts in (lately, before))
    return (
        f"Of {sum(lately):,} dishes that people judged in the last {WEEK.days} days {share:.0%} were "
        f"positive, of {sum(before):,} in the days before {earlier:.0%}: look at versions and days in the "
        "night's report."
    )


def _order(cell: Cell) -> tuple[int, int, str]:
    """The latest day first, and the later of two versions of a trial first."""
    day, version = cell
    return -day.toordinal(), -int(version) if version.isdecimal() else 0, version


def _rates(
    cell: Cell, answers: int, joined: int, last: list[Reaction], thresholds: Thresholds, confidence: float
) -> AnswerRates:
    positive = sum(_is_positive(reaction, thresholds) for reaction in last)
    positions = [each.position for each in last if each.position and each.kind in PICKS]
    return AnswerRates(
        *cell,
        answers,
        _wilson(joined, answers, confidence),
        len(last),
        _wilson(positive, len(last), confidence) if last else None,
        fmean(positions) if positions else None,
    )


def _stands(reaction: Reaction) -> bool:
    """What was chosen or ordered was, whatever is taken back of it later."""
    return reaction.kind in PICKS or (reaction.kind in STATED and not reaction.is_retracted)


def _is_positive(reaction: Reaction, thresholds: Thresholds) -> bool:
    if reaction.kind == "rating" and reaction.value is not None:
        return thresholds.verdict(reaction.value) == LIKED
    return reaction.kind in {"like", *PICKS}


def _wilson(count: int, total: int, confidence: float) -> Interval:
    bounds = binomtest(count, total).proportion_ci(confidence, method="wilson")
    return Interval(count / total, float(bounds.low), float(bounds.high))
