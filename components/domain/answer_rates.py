"""How the service's answers fare: how many get feedback, and how much of it is positive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

import numpy as np
from scipy.stats import fisher_exact, norm

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
    """One day's answers of one version; shares are means over people, however often each of them speaks.

    Attributes:
        day: Day of the answers at the site.
        model_version: Version that gave them.
        answers: Number of answers.
        joined: Share of a person's answers that any feedback names, with Wilson's interval.
        judged: Number of shown dishes that feedback is about.
        positive: Share of these whose last feedback is a like, a choice, an order or a rating that is a like;
            None without any.
        position: Mean position of the dishes that were chosen or ordered, 1 for the best; None without any.
        judges: Number of people who judged a dish.
    """

    day: date
    model_version: str
    answers: int
    joined: Interval
    judged: int
    positive: Interval | None
    position: float | None
    judges: int


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
        confidence: Of the intervals, which count people.
    """
    zone = ZoneInfo(timezone)
    joined = defaultdict[Cell, dict[tuple[str, str], bool]](dict)  # by person and answer
    last = defaultdict[Cell, dict[tuple[str, str, str], Reaction]](dict)  # by person, answer and dish
    for row in rows:
        cell, reaction = (row.at.astimezone(zone).date(), row.model_version), row.reaction
        answer = row.person_id, row.answer_id
        joined[cell][answer] = joined[cell].get(answer, False) or reaction is not None
        if reaction and reaction.position and _stands(reaction):
            last[cell][*answer, reaction.dish_id] = reaction
    return [
        _rates(cell, joined[cell], last[cell], thresholds, confidence) for cell in sorted(joined, key=_order)
    ]


def why_fallen(rates: Iterable[AnswerRates], today: date) -> str | None:
    """A sentence where dishes of the last week were received clearly worse than those before; None else.

    By Fisher's exact test on people, each counted once a day, so chance must be very unlikely.

    Args:
        rates: Of the days that are compared.
        today: The last of them.
    """
    lately, before = [0, 0], [0, 0]  # positive, and not
    for row in rates:
        positive = round(row.positive.mean * row.judges) if row.positive else 0
        counts = lately if today - row.day < WEEK else before
        counts[0] += positive
        counts[1] += row.judges - positive
    if fisher_exact(np.array([lately, before]), alternative="less").pvalue >= BY_CHANCE:
        return None
    share, earlier = (counts[0] / sum(counts) for counts in (lately, before))
    return (
        f"Of what {sum(lately):,} people judged in the last {WEEK.days} days {share:.0%} was positive, of "
        f"what {sum(before):,} judged in the days before {earlier:.0%}: look at versions and days in the "
        "night's report."
    )


def _order(cell: Cell) -> tuple[int, int, str]:
    """The latest day first, and the later of two versions of a trial first."""
    day, version = cell
    return -day.toordinal(), -int(version) if version.isdecimal() else 0, version


def _rates(
    cell: Cell,
    joined: Mapping[tuple[str, str], bool],
    last: Mapping[tuple[str, str, str], Reaction],
    thresholds: Thresholds,
    confidence: float,
) -> AnswerRates:
    reactions = [(person, each) for (person, *_), each in last.items()]
    positive = _of_people((person, _is_positive(each, thresholds)) for person, each in reactions)
    positions = _of_people((name, each.position or 0) for name, each in reactions if each.kind in PICKS)
    return AnswerRates(
        *cell,
        len(joined),
        _wilson(_of_people((person, is_joined) for (person, _), is_joined in joined.items()), confidence),
        len(last),
        _wilson(positive, confidence) if positive else None,
        fmean(positions) if positions else None,
        len(positive),
    )


def _of_people(values: Iterable[tuple[str, float]]) -> list[float]:
    """Each person's mean."""
    people = defaultdict[str, list[float]](list)
    for person, value in values:
        people[person].append(value)
    return [fmean(of_person) for of_person in people.values()]


def _stands(reaction: Reaction) -> bool:
    """What was chosen or ordered was, whatever is taken back of it later."""
    return reaction.kind in PICKS or (reaction.kind in STATED and not reaction.is_retracted)


def _is_positive(reaction: Reaction, thresholds: Thresholds) -> bool:
    if reaction.kind == "rating" and reaction.value is not None:
        return thresholds.verdict(reaction.value) == LIKED
    return reaction.kind in {"like", *PICKS}


def _wilson(shares: Sequence[float], confidence: float) -> Interval:
    """The mean of people's shares; the interval is as wide as if each were 0 or 1."""
    mean, square = fmean(shares), float(norm.ppf((1 + confidence) / 2)) ** 2 / len(shares)
    centre = (mean + square / 2) / (1 + square)
    half = (square * mean * (1 - mean) + square**2 / 4) ** 0.5 / (1 + square)
    return Interval(mean, max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half)))
