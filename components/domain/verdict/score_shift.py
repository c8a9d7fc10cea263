"""Whether a version's scores, as people are served them, are spread as when it was registered.

By the population stability index of two spreads: the sum over bins of (a - b) * ln(a / b). By custom less
than 0.1 is nothing, and from 0.2 on somebody should look (Siddiqi, Credit Risk Scorecards, 2006). By chance
it is (1 / n + 1 / m) times a chi-squared of bins - 1 degrees (Yurdakul 2018), so few answers tell nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter

from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Questions

BINS = 10  # of a spread, equally full
_BELOW_TIES = 1e-3  # logits; equal scores stay in one bin although the service rounds otherwise


@dataclass(frozen=True)
class Spread:
    """How numbers are spread.

    Attributes:
        edges: Between the bins, ascending.
        shares: Of the numbers in each bin; none is 0, since there is half a number more in each.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, values: Floats, edges: Sequence[float] | None = None) -> Spread:
        """The spread of numbers.

        Args:
            values: In any order.
            edges: Of another spread; without them the bins are equally full.
        """
        if edges is None:
            edges = _edges_of(values) if len(values) else []
        bins = len(edges) + 1
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=bins)
        return cls(tuple(edges), tuple(((counts + 0.5) / (len(values) + 0.5 * bins)).tolist()))

    def shift_of(self, values: Floats) -> float:
        """The population stability index of other numbers."""
        here, there = np.array(self.shares), np.array(Spread.of(values, self.edges).shares)
        return float(np.sum((there - here) * np.log(there / here)))


def _edges_of(values: Floats) -> list[float]:
    """Edges between bins that are about equally full."""
    inner = np.quantile(values, np.arange(1, BINS) / BINS)
    edges: list[float] = np.unique((inner - _BELOW_TIES).round(6)).tolist()
    if len(edges) < BINS - 1:  # many are equal, so what lies above all has a bin of its own
        edges.append(float(values.max()) + _BELOW_TIES)
    return edges


@dataclass(frozen=True)
class ScoreReference:
    """A version's scores, by which those that it serves later are judged.

    Attributes:
        best: Of a question's best dish.
        margin: By how much it is above the second.
        least_ranked: Number of dishes of the smallest question.
        most_ranked: Of the largest one: what is best of more dishes is better.
    """

    best: Spread
    margin: Spread
    least_ranked: int
    most_ranked: int

    def to_text(self) -> str:
        """JSON."""
        return _ADAPTER.dump_json(self).decode()

    @classmethod
    def from_text(cls, text: str) -> ScoreReference:
        """The inverse of `to_text`.

        Raises:
            ValueError: The text is none of a reference.
        """
        return _ADAPTER.validate_json(text)


_ADAPTER = TypeAdapter(ScoreReference)


@dataclass(frozen=True)
class ServedScores:
    """The scores of one answer of the service.

    Attributes:
        model_version: Version that gave it.
        ranked: Number of dishes that the model ranked.
        best: Score of the best one.
        margin: By how much it was above the second; None where one dish was shown.
    """

    model_version: str
    ranked: int
    best: float
    margin: float | None


@dataclass(frozen=True)
class ScoreShift:
    """How far the scores that a version serves are from others of its own.

    Attributes:
        model_version: Of the version.
        against: What they were compared with.
        answers: Number of answers, one a person.
        best: Population stability index of best scores.
        margin: Of margins; None where too few answers showed a second dish.
    """

    model_version: str
    against: str
    answers: int
    best: float
    margin: float | None

    @property
    def largest(self) -> float:
        """Of both."""
        return max(self.best, self.margin or 0.0)


def reference_of(scores: Floats, questions: Questions) -> ScoreReference | None:
    """The reference of scores; None where no question with two dishes was scored.

    Args:
        scores: (O,) NaN throughout a question that was not scored.
        questions: The questions.
    """
    counts = (questions.sizes > 1) & ~np.isnan(scores[questions.firsts])
    if not counts.any():
        return None
    order = np.lexsort([-scores, questions.owner])  # the best of each question first
    first = questions.firsts[counts]
    best, second = scores[order][first], scores[order][first + 1]
    sizes = questions.sizes[counts]
    return ScoreReference(Spread.of(best), Spread.of(best - second), int(sizes.min()), int(sizes.max()))


def score_shifts(
    served: Iterable[ServedScores],
    references: Mapping[str, ScoreReference],
    earlier: Iterable[ServedScores],
    min_answers: int,
) -> list[ScoreShift]:
    """How the scores served lately are spread beside others of the same version.

    Answers from about as many dishes as the held-out questions had are compared with those. The others, above
    all those from the whole catalogue, are compared with such answers of the version from earlier.

    Args:
        served: Of late, one of each person.
        references: By version, those that it was registered with.
        earlier: Answers before that, one of each person.
        min_answers: Fewer tell nothing, here or there.
    """
    shifts, before = [], _parts(earlier, references)
    for (version, is_menu), answers in sorted(_parts(served, references).items()):
        others = before.get((version, is_menu), [])
        if is_menu:
            reference, against = references[version], "what was held out"
        elif len(others) >= min_answers:
            reference, against = _reference(others), "its earlier answers"
        else:
            continue
        if len(answers) >= min_answers:
            best, margins = _columns(answers)
            margin = reference.margin.shift_of(margins) if len(margins) >= min_answers else None
            shifts.append(ScoreShift(version, against, len(answers), reference.best.shift_of(best), margin))
    return shifts


def _parts(
    answers: Iterable[ServedScores], references: Mapping[str, ScoreReference]
) -> dict[tuple[str, bool], list[ServedScores]]:
    """Answers by version, and by whether they are from about as many dishes as its held-out questions had."""
    parts = defaultdict[tuple[str, bool], list[ServedScores]](list)
    for answer in answers:
        reference = references.get(answer.model_version)
        is_menu = reference is not None and (reference.least_ranked <= answer.ranked <= reference.most_ranked)
        parts[answer.model_version, is_menu].append(answer)
    return dict(parts)


def _columns(answers: Sequence[ServedScores]) -> tuple[Floats, Floats]:
    """Best scores of answers, and margins of those that have one."""
    margins = [each.margin for each in answers if each.margin is not None]
    return np.array([each.best for each in answers]), np.array(margins)


def _reference(answers: Sequence[ServedScores]) -> ScoreReference:
    best, margins = _columns(answers)
    ranked = [each.ranked for each in answers]
    return ScoreReference(Spread.of(best), Spread.of(margins), min(ranked), max(ranked))
