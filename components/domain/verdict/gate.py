"""The gate: is a candidate better than everything simpler, and than what serves now? A tie does not pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from components.domain.preferences.held_out_days import MIN_PEOPLE
from components.domain.verdict.clusters import Estimate, number_of_people
from components.domain.verdict.metrics import Interval
from components.domain.verdict.sequence import DailyDifferences

METRIC = "pair_accuracy"
MIN_OTHERS = 10  # days, menu days or dishes; with fewer, or fewer than MIN_PEOPLE, no bounds hold
Difference = Estimate | DailyDifferences  # of one test, or of all days so far
Decision = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class GateResult:
    """What the gate says about the best candidate.

    Attributes:
        decision: `pass`, `fail`, or `inconclusive` where more data would decide.
        reason: The decision as a sentence.
        candidate: Name of the candidate with the highest mean.
        rival: Name of the rival that decides: the candidate beats this one least clearly.
        difference: Candidate minus rival in METRIC, on the comparisons that both scored.
        confidence: Confidence of `difference`, raised because the best of several candidates was picked.
        verdict: The reason without its figures; empty in earlier reports.
    """

    decision: Decision
    reason: str
    candidate: str
    rival: str
    difference: Interval
    confidence: float
    verdict: str = ""


def judge(best: str, differences: Mapping[str, Difference], candidates: int, confidence: float) -> GateResult:
    """Judges the best candidate against every rival.

    Picking the best of k candidates on the comparisons that judge it favours it. The confidence is therefore
    raised to 1 - (1 - confidence) / k (Bonferroni), which widens the interval.

    Args:
        best: Name of the candidate with the highest mean.
        differences: By rival, the candidate's metric minus the rival's, on one test or day by day.
        candidates: Number of candidates that the best was picked from.
        confidence: Confidence before it is raised, as a fraction of 1.
    """
    confidence = 1 - (1 - confidence) / candidates
    rival = _deciding(differences, confidence)
    gap = differences[rival]
    decision, words = _decide(gap, gap.mean - gap.margin(confidence), confidence)
    interval = gap.interval(confidence)
    reason = verdict = f"{best} {words.format(rival=rival)}"
    if gap.clusters:
        bounds = f"{confidence:.1%} interval {interval.bounds('+.4f')}"
        reason += f": {interval.mean:+.4f} pair accuracy, {bounds} over {_clusters(gap)}"
    return GateResult(decision, reason, best, rival, interval, confidence, verdict)


def _deciding(differences: Mapping[str, Difference], confidence: float) -> str:
    """Chooses the rival that decides: one that is not beaten, else one with too few data, else the closest.

    Among several unbeaten or close rivals, the one with the lowest bound of the difference is chosen. Bounds
    from too few data say nothing, so among such rivals the one with the smallest mean difference is chosen.
    """
    few = {name: gap.mean for name, gap in differences.items() if _too_few(gap)}
    lows = {name: gap.mean - gap.margin(confidence) for name, gap in differences.items() if name not in few}
    lost = {name: low for name, low in lows.items() if differences[name].mean <= 0}
    order = lost or few or lows
    return min(order, key=order.__getitem__)


def _decide(gap: Difference, low: float, confidence: float) -> tuple[Decision, str]:
    if isinstance(gap, DailyDifferences) and not gap.values:
        why = "since the champion changed" if gap.follows_champion else f"of {MIN_PEOPLE} people yet"
        return "inconclusive", f"cannot be told from {{rival}}: no new day {why} (at least {MIN_OTHERS})"
    few = _too_few(gap)
    if few:
        return "inconclusive", f"cannot be told from {{rival}} by {few}"
    if gap.mean <= 0:
        return "fail", "does not beat {rival}"
    if low > 0:
        return "pass", "beats {rival}"
    return (
        "inconclusive",
        f"does not clearly beat {{rival}} yet, about {_needed(gap, confidence)} would decide",
    )


def _too_few(gap: Difference) -> str | None:
    if gap.people < MIN_PEOPLE:
        return f"{number_of_people(gap.people)} (at least {MIN_PEOPLE})"
    if _unit(gap) != "people" and gap.clusters < MIN_OTHERS:
        return f"{gap.clusters} {_unit(gap)} (at least {MIN_OTHERS})"
    return None


def _unit(gap: Difference) -> str:
    """Names the unit that the difference has fewest of, which is what more data would have to bring."""
    if isinstance(gap, DailyDifferences):
        return "days"
    return "people" if gap.others is None or gap.people <= gap.others else gap.unit


def _clusters(gap: Difference) -> str:
    if isinstance(gap, DailyDifferences):
        return f"{gap.clusters} days, each judged once before it was trained on"
    return "people, held out" if gap.others is None else f"people and {gap.unit}, held out"


def _needed(gap: Difference, confidence: float) -> str:
    """Estimates how many more people, days, menu days or dishes would make an unchanged difference clear."""
    factor = (gap.margin(confidence) / gap.mean) ** 2 - 1
    return f"{math.ceil(gap.clusters * factor):,} more {_unit(gap)}"
