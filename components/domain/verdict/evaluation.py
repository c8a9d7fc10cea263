"""The evaluation report: a night's models with their metrics, and the gate's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter

from components.domain.records import RULE
from components.domain.verdict.calibration import CalibrationBin
from components.domain.verdict.gate import GateResult
from components.domain.verdict.metrics import Interval
from components.domain.verdict.promotion_changes import PromotionChanges

DIET = "people of the diet "  # begins the names of slices by diet
HISTORIES = "histories of "  # begins the names of slices by length of history
NEW_AGAINST_READ = "new dishes against ones that training read"  # a slice where dishes are hidden
SERVED_RULE = "served-rule"  # row of the rule that serves while there is no champion
Kind = Literal["candidate", "champion", "rule", "served rule", "untuned", "probe", "ablation"]


@dataclass(frozen=True)
class ModelResult:
    """One contender's row of the table: its metrics on the held-out comparisons, as means over people.

    Attributes:
        kind: The kind of contender; see docs/glossary.md.
        pair_accuracy: Fraction of a person's pairs that the contender orders rightly.
        top1: Fraction of a person's comparisons in which the contender puts the chosen dish first.
        ndcg: Normalised discounted cumulative gain of the chosen dish.
        people: Number of people measured.
        comparisons: Number of comparisons scored.
        best_minus_it: Pair accuracy of the best candidate minus the contender's, on the comparisons that both
            scored; None for the best candidate itself.
    """

    kind: Kind
    pair_accuracy: Interval
    top1: Interval
    ndcg: Interval
    people: int
    comparisons: int
    best_minus_it: Interval | None


@dataclass(frozen=True)
class SliceResult(Interval):
    """Pair accuracy on a part of the test, with the number of people and comparisons in that part."""

    people: int
    comparisons: int


@dataclass(frozen=True)
class HeldOut:
    """How much was held out."""

    comparisons: int
    people: int


@dataclass(frozen=True)
class RankedPeople:
    """How many people a candidate ranks better than chance, by their own opinions alone.

    Attributes:
        candidate: Name of the candidate.
        tested: Number of people who were tested.
        better: Number of these who are ranked better than chance; of people who judge at random, at most
            one in twenty is.
    """

    candidate: str
    tested: int
    better: int


@dataclass(frozen=True)
class ServedRule:
    """The rule that serves while there is no champion.

    Attributes:
        name: Name of the rule, as the table calls it.
        means: By rule, its mean share of pairs won on folds of the training period, after histories without
            menus and times.
        gate: The gate's answer on the rule, beside popularity, chance and the champion.
        sha256: Checksum of the rule's files.
    """

    name: str
    means: Mapping[str, float]
    gate: GateResult
    sha256: str


@dataclass(frozen=True)
class EvaluationReport:
    """The content of reports/evaluation.json.

    Attributes:
        models: Result of each contender by name, rules included.
        gate: The gate's answer on the best candidate.
        slices: Pair accuracy by part of the test, then by contender.
        confidence: Confidence of every interval, as a fraction of 1.
        test: Size of the test.
        adapters: SHA-256 of each candidate's weights, by candidate.
        base: `id` and `sha256` of the base model.
        prompt_hash: See `prompts.prompt_hash`.
        calibration: Bins of pairs by contender, for contenders that score in nats; empty in reports before
            0.3.0.
        served_rule: The rule that serves while there is no champion; None in earlier reports.
        ranked_people: People ranked better than chance; None where nobody can be tested, and in earlier
            reports.
        promotion: What a promotion of the best candidate would change; None where nobody is tested, and in
            earlier reports.
    """

    models: Mapping[str, ModelResult]
    gate: GateResult
    slices: Mapping[str, Mapping[str, SliceResult]]
    confidence: float
    test: HeldOut
    adapters: Mapping[str, str]
    base: Mapping[str, str]
    prompt_hash: str
    calibration: Mapping[str, tuple[CalibrationBin, ...]] = field(default_factory=dict)
    served_rule: ServedRule | None = None
    ranked_people: RankedPeople | None = None
    promotion: PromotionChanges | None = None

    def gate_of(self, kind: str) -> GateResult | None:
        """Looks up the gate's answer on the best candidate, or for kind `rule` on the served rule."""
        if kind != RULE:
            return self.gate
        return self.served_rule.gate if self.served_rule else None

    @property
    def best_first(self) -> list[tuple[str, ModelResult]]:
        """Names and results, highest mean pair accuracy first."""
        return sorted(self.models.items(), key=lambda item: -item[1].pair_accuracy.mean)

    def to_json(self) -> dict[str, Any]:
        """Converts the report to plain values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EvaluationReport:
        """Reads a report from the plain values that `to_json` writes.

        Raises:
            ValueError: The values do not form an evaluation report.
        """
        return _ADAPTER.validate_python(values)


_ADAPTER = TypeAdapter(EvaluationReport)
