"""The gate: is a candidate better than everything simpler, and than what serves now? A tie is a no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from components.domain.verdict.metrics import Bootstrap, Interval, People, paired_differences

METRIC = "pair_accuracy"


@dataclass(frozen=True)
class GateResult:
    """What the gate says of the best candidate.

    Attributes:
        decision: "pass" or "fail".
        reason: The same as a sentence.
        candidate: Name of the candidate with the highest mean.
        rival: The rival than which it is least clearly better (lowest lower bound of the difference).
        difference: Candidate minus rival in METRIC, on the comparisons that both scored.
        confidence: Confidence of that interval, tightened because the best of several candidates was picked.
    """

    decision: str
    reason: str
    candidate: str
    rival: str
    difference: Interval
    confidence: float


def judge(
    best: str, rivals: Mapping[str, tuple[People, People]], candidates: int, bootstrap: Bootstrap
) -> GateResult:
    """Holds the best candidate against every rival.

    Picking the best of k candidates on the comparisons that judge it favours it, so the interval is widened
    to 1 - (1 - confidence) / k (Bonferroni).

    Args:
        best: Name of the candidate with the highest mean.
        rivals: By name the metrics of candidate and rival (see `metrics.paired_people`).
        candidates: Number of candidates out of which the best was picked.
        bootstrap: How the intervals are made, before they are widened.
    """
    wide = replace(bootstrap, confidence=1 - (1 - bootstrap.confidence) / candidates)
    differences = {name: paired_differences(*pair, wide)[METRIC] for name, pair in rivals.items()}
    rival = min(differences, key=lambda name: differences[name].low)
    gap = differences[rival]
    passed = gap.low > 0
    verb = "beats" if passed else "does not clearly beat"
    reason = (
        f"{best} {verb} {rival}: {gap.mean:+.4f} pair accuracy, "
        f"{wide.confidence:.1%} interval {gap.low:+.4f} to {gap.high:+.4f}, held out, per person"
    )
    return GateResult("pass" if passed else "fail", reason, best, rival, gap, wide.confidence)
