"""The table of a night: contenders measured on one test, the best candidate, and the gate's answer on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from components.domain.preferences.arrays import Bools, Floats
from components.domain.preferences.tables import Comparisons
from components.domain.verdict.clusters import Clusters, Estimate, estimate
from components.domain.verdict.evaluation import Kind, ModelResult, SliceResult
from components.domain.verdict.metrics import METRICS, comparison_metrics

NO_RIVALS = ("candidate", "ablation")  # kinds that the best candidate need not beat


@dataclass(frozen=True, eq=False)
class Contender:
    """A model or rule that has a row in the table.

    Attributes:
        name: Name, unique in the table.
        kind: The kind of contender; see docs/glossary.md.
        scores: (O,) scores of the test's dishes; NaN in comparisons that the contender did not score.
    """

    name: str
    kind: Kind
    scores: Floats


@dataclass(frozen=True, eq=False)
class ResultTable:
    """Contenders, measured on one test.

    Attributes:
        test: Comparisons that the contenders scored.
        contenders: Contenders in the order of the table, all candidates included.
        confidence: Confidence of every interval, as a fraction of 1.
        unit: Clusters that the intervals count beside people.
    """

    test: Comparisons
    contenders: Sequence[Contender]
    confidence: float
    unit: Clusters = "menu days"

    @cached_property
    def measured(self) -> dict[str, Floats]:
        """(Q, METRICS) metrics of each comparison, by contender; see `comparison_metrics`."""
        return {each.name: comparison_metrics(each.scores, self.test) for each in self.contenders}

    @cached_property
    def best(self) -> str:
        """Name of the candidate with the highest mean pair accuracy."""
        candidates = [each.name for each in self.contenders if each.kind == "candidate"]
        return max(candidates, key=lambda name: self._estimate(name, 0).mean)

    @property
    def differences(self) -> dict[str, Floats]:
        """(Q,) the best candidate's pair accuracy minus a rival's, by rival; NaN unless both scored."""
        rivals = [each.name for each in self.contenders if each.kind not in NO_RIVALS]
        return {name: self.measured[self.best][:, 0] - self.measured[name][:, 0] for name in rivals}

    def gaps(self) -> dict[str, Estimate]:
        """Estimates the mean of the best candidate's pair accuracy minus a rival's, by rival."""
        return {name: estimate(values, self.test, self.unit) for name, values in self.differences.items()}

    def results(self) -> dict[str, ModelResult]:
        """Measures each contender: its metrics with intervals, and its distance from the best candidate."""
        return {each.name: self._result(each) for each in self.contenders}

    def _estimate(self, name: str, metric: int) -> Estimate:
        return estimate(self.measured[name][:, metric], self.test, self.unit)

    def _gap(self, name: str) -> Estimate:
        """Estimates the best candidate's pair accuracy minus a contender's, where both scored."""
        values = self.measured[self.best][:, 0] - self.measured[name][:, 0]
        return estimate(values, self.test, self.unit)

    def _result(self, contender: Contender) -> ModelResult:
        name = contender.name
        metrics = [self._estimate(name, metric) for metric in range(len(METRICS))]
        pair_accuracy, top1, ndcg = (each.interval(self.confidence, lowest=0.0) for each in metrics)
        gap = None if name == self.best else self._gap(name).interval(self.confidence)
        size = metrics[0]
        return ModelResult(contender.kind, pair_accuracy, top1, ndcg, size.people, size.comparisons, gap)

    def slice(self, part: Bools, names: Iterable[str]) -> dict[str, SliceResult]:
        """Measures pair accuracy on a part of the test, of each contender that scored two of its people.

        Args:
            part: (Q,) True for the comparisons in the part.
            names: Contenders to measure.
        """
        results = {}
        for name in names:
            values = np.where(part, self.measured[name][:, 0], np.nan)
            if len(np.unique(self.test.person[~np.isnan(values)])) > 1:
                result = estimate(values, self.test, self.unit)
                bounds = asdict(result.interval(self.confidence, lowest=0.0))
                results[name] = SliceResult(**bounds, people=result.people, comparisons=result.comparisons)
        return results
