"""How people react to the service's answers: how many get feedback, and how much of it is positive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

import numpy as np
from scipy.special import ndtri

from components.domain.catalogue import Thresholds
from components.domain.exposures import PICKS, Answered, Reaction
from components.domain.preferences.opinions import STATED
from components.domain.records import LIKED
from components.domain.verdict.metrics import Interval

WEEK = timedelta(days=7)
BY_CHANCE = 0.001  # probability that a fall is reported although nothing changed
Cell = tuple[date, str]  # local day of the answer, version that gave it


@dataclass(frozen=True)
class AnswerRates:
    """One day's answers of one version; shares are means over people, so each person counts once.

    Attributes:
        day: Local day of the answers at the site.
        model_version: Version that gave the answers.
        answers: Number of answers.
        joined: Share of a person's answers that any feedback names, with Wilson's interval.
        judged: Number of shown dishes that feedback is about.
        positive: Share of the judged dishes whose last feedback is a like, a choice, an order or a rating
            that is a like; None without judged dishes.
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
    """Computes the rates by day and version, the latest day first.

    Feedback counts on the day of its answer, whenever it comes. A dish of an answer counts once, by the last
    reaction that still counts. An answer counts as one with feedback even if the feedback was retracted.

    Args:
        rows: The answers with their feedback, oldest feedback first.
        thresholds: Ratings from which feedback is a like or a dislike.
        confidence: Confidence of the intervals, which count people.
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
    """Says in a sentence that last week's dishes were received clearly worse than earlier ones; else None.

    Fisher's exact test decides, on people, each counted once a day. A fall by chance must be very unlikely.

    Args:
        today: The last of these days.
    """
    from scipy.stats import fisher_exact  # whose import takes each command a second

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
    """Sorts the latest day first, and within a day the later of a trial's two versions."""
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
    """Averages the values of each person."""
    people = defaultdict[str, list[float]](list)
    for person, value in values:
        people[person].append(value)
    return [fmean(of_person) for of_person in people.values()]


def _stands(reaction: Reaction) -> bool:
    """Tells whether a reaction still counts: picks always do, stated opinions until they are retracted."""
    return reaction.kind in PICKS or (reaction.kind in STATED and not reaction.is_retracted)


def _is_positive(reaction: Reaction, thresholds: Thresholds) -> bool:
    if reaction.kind == "rating" and reaction.value is not None:
        return thresholds.verdict(reaction.value) == LIKED
    return reaction.kind in {"like", *PICKS}


def _wilson(shares: Sequence[float], confidence: float) -> Interval:
    """Averages people's shares; Wilson's interval is as wide as if each share were 0 or 1."""
    mean, square = fmean(shares), float(ndtri((1 + confidence) / 2)) ** 2 / len(shares)
    centre = (mean + square / 2) / (1 + square)
    half = (square * mean * (1 - mean) + square**2 / 4) ** 0.5 / (1 + square)
    return Interval(mean, max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half)))
