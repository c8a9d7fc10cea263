"""Pairs of a history and a dish, which rules score: each distinct history with each dish on offer after it.

Comparisons of one person and one moment share a history, and many of them offer the same dish. There are thus
far fewer pairs than dishes on offer. Shapes: O dishes on offer, H distinct histories, P pairs, D dishes of
the log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from components.domain.preferences.arrays import Floats, Ints
from components.domain.preferences.opinion_log import NO_MENU
from components.domain.preferences.strengths import Opinions, RatingScale, histories
from components.domain.preferences.tables import Questions, distinct_histories


@dataclass(frozen=True, eq=False)
class Pairs:
    """Distinct histories and the dishes on offer after them.

    Attributes:
        questions: One question for each distinct history.
        history: (P,) number of the history.
        dish: (P,) index into the log's dishes.
        pair: (O,) pair of each dish on offer.
        plain: Whether histories are read without their menus and times, as a service gets them.
    """

    questions: Questions
    history: Ints
    dish: Ints
    pair: Ints
    plain: bool = False

    @cached_property
    def opinions(self) -> Opinions:
        """The opinions of the distinct histories."""
        opinions = histories(self.questions)
        return replace(opinions, menu=np.full_like(opinions.menu, NO_MENU)) if self.plain else opinions

    @property
    def ages(self) -> Floats:
        """(N,) days from each opinion to the newest one of the same history; 0 for plain histories."""
        return np.zeros(len(self.opinions.dish)) if self.plain else self.questions.ages

    def on_offer(self, scores: Floats) -> Floats:
        """Spreads (P,) scores of pairs over the dishes on offer, (O,)."""
        return scores[self.pair]

    def verdicts(self) -> csr_matrix:
        """Sums the verdicts of each history on each dish, (H, D)."""
        return self._matrix(self.opinions.verdict.astype(np.float64))

    def strengths(self, ratings: RatingScale) -> csr_matrix:
        """Sums the strengths of each history on each dish, (H, D); see `Opinions.strengths`."""
        return self._matrix(self.opinions.strengths(ratings))

    def counts(self) -> csr_matrix:
        """Counts the lines of each history on each dish, (H, D)."""
        return self._matrix(np.ones(len(self.opinions.dish)))

    def entries(self, matrix: csr_matrix) -> Floats:
        """Looks up the entry of an (H, D) matrix for each pair, (P,)."""
        return np.asarray(matrix[self.history, self.dish], np.float64).ravel()

    def _matrix(self, values: Floats) -> csr_matrix:
        ends = np.concatenate([[0], np.cumsum(self.opinions.sizes)])
        shape = len(self.opinions.sizes), len(self.questions.log.dishes)
        return csr_matrix((values, self.opinions.dish, ends), shape=shape)


def pairs_of(questions: Questions, *, plain: bool = False) -> Pairs:
    """Collects the pairs of questions, of which there must be at least one; `plain` as for `Pairs`."""
    first, number = distinct_histories(questions, by_age=not plain)
    width = len(questions.log.dishes)
    codes, pair = np.unique(number[questions.owner] * width + questions.offered, return_inverse=True)
    return Pairs(questions.take(first), codes // width, codes % width, pair.astype(np.int64), plain)
