"""The table of a night: contenders measured on one test, the best candidate, and the gate's answer on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from components.domain.preferences.tables import Bools, Comparisons, Floats
from components.domain.verdict.evaluation import Kind, ModelResult, SliceResult
from components.domain.verdict.gate import METRIC, GateResult, judge
from components.domain.verdict.metrics import (
    METRICS,
    Bootstrap,
    People,
    comparison_metrics,
    intervals,
    paired_differences,
    paired_people,
    per_person,
)

NO_RIVALS = ("candidate", "ablation")  # kinds that the best candidate need not beat


@dataclass(frozen=True, eq=False)
class Contender:
    """A line of the table.

    Attributes:
        name: Unique in the table.
        kind: What it is.
        scores: (O,) scores of the test's dishes; NaN in comparisons that it did not score.
    """

    name: str
    kind: Kind
    scores: Floats


@dataclass(frozen=True, eq=False)
class ResultTable:
    """Contenders, measured on one test.

    Attributes:
        test: What they scored.
        contenders: In the order of the table; all candidates are among them.
        bootstrap: How intervals are made.
    """

    test: Comparisons
    contenders: Sequence[Contender]
    bootstrap: Bootstrap

    @cached_property
    def measured(self) -> dict[str, Floats]:
        """(Q, METRICS) by name; see `comparison_metrics`."""
        return {each.name: comparison_metrics(each.scores, self.test) for each in self.contenders}

    @cached_property
    def people(self) -> dict[str, People]:
        """Each person's metrics by name."""
        return {name: per_person(values, self.test) for name, values in self.measured.items()}

    @cached_property
    def best(self) -> str:
        """Name of the candidate with the highest mean pair accuracy."""
        candidates = [each.name for each in self.contenders if each.kind == "candidate"]
        return max(candidates, key=lambda name: sum(row[0] for row in self.people[name].values()))

    @cached_property
    def pairs(self) -> dict[str, tuple[People, People]]:
        """By name the metrics of the best candidate and of the contender, where both scored."""
        best = self.measured[self.best]
        return {name: paired_people(best, values, self.test) for name, values in self.measured.items()}

    def judge(self) -> GateResult:
        """The gate's answer: the best candidate against every rival."""
        kinds = {each.name: each.kind for each in self.contenders}
        rivals = {name: pair for name, pair in self.pairs.items() if kinds[name] not in NO_RIVALS}
        candidates = sum(kind == "candidate" for kind in kinds.values())
        return judge(self.best, rivals, candidates, self.bootstrap)

    def results(self) -> dict[str, ModelResult]:
        """What the table says of each contender."""
        return {each.name: self._result(each) for each in self.contenders}

    def _result(self, contender: Contender) -> ModelResult:
        name, gap = contender.name, None
        if name != self.best:
            gap = paired_differences(*self.pairs[name], self.bootstrap)[METRIC]
        people = self.people[name]
        pair_accuracy, top1, ndcg = (intervals(people, self.bootstrap)[metric] for metric in METRICS)
        comparisons = int((~np.isnan(self.measured[name][:, 0])).sum())
        return ModelResult(contender.kind, pair_accuracy, top1, ndcg, len(people), comparisons, gap)

    def slice(self, part: Bools, names: Iterable[str]) -> dict[str, SliceResult]:
        """Pair accuracy on a part of the test; empty where it has fewer than two people.

        Args:
            part: (Q,) True for the comparisons in it.
            names: Contenders to measure there.
        """
        if len(np.unique(self.test.person[part])) < 2:
            return {}
        results = {}
        for name in names:
            people = per_person(np.where(part[:, None], self.measured[name], np.nan), self.test)
            interval = intervals(people, self.bootstrap)[METRIC]
            results[name] = SliceResult(**asdict(interval), people=len(people), comparisons=int(part.sum()))
        return results
