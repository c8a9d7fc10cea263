"""The gate: is a candidate better than everything simpler, and than what serves now? A tie is a no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.domain.verdict.metrics import Floats, Interval, paired_differences

METRIC = "pair_accuracy"
People = Mapping[str, Floats]  # a person's metrics, see `metrics.per_person`


@dataclass(frozen=True)
class Verdict:
    """What the gate says of the best candidate, and of whom it was held against.

    Attributes:
        decision: "pass" or "fail".
        candidate: The candidate with the highest mean.
        rival: The rival it was least clearly better than (lowest lower bound of the difference).
        difference: candidate - rival in METRIC, on the comparisons both were scored for.
        confidence: Of that interval: the asked one, tightened for having picked the best of several
            candidates.
    """

    decision: str
    reason: str
    candidate: str
    rival: str
    difference: Interval
    confidence: float


def judge(
    best: str,
    rivals: Mapping[str, tuple[People, People]],
    candidates: int,
    resamples: int,
    confidence: float,
    seed: int,
) -> Verdict:
    """Holds the best candidate against every model that is not a candidate.

    Picking the best of k candidates on the cases that judge it favours it, so the interval is widened to
    1 - (1 - confidence) / k (Bonferroni).

    Args:
        best: Name of the candidate with the highest mean.
        rivals: For each rival, the candidate's people and its own (see `metrics.paired_people`).
        candidates: Out of how many the best was picked.
        resamples: Bootstrap resamples.
        confidence: Fraction of 1.
        seed: Of the bootstrap.
    """
    level = 1 - (1 - confidence) / candidates
    differences = {
        name: paired_differences(*pair, resamples, level, seed)[METRIC] for name, pair in rivals.items()
    }
    rival = min(differences, key=lambda name: differences[name].low)
    gap = differences[rival]
    passed = gap.low > 0
    verb = "beats" if passed else "does not clearly beat"
    reason = (
        f"{best} {verb} {rival}: {gap.mean:+.4f} pair accuracy, "
        f"{level:.1%} interval {gap.low:+.4f} to {gap.high:+.4f}, held out, per person"
    )
    return Verdict("pass" if passed else "fail", reason, best, rival, gap, level)
