"""Histories as sparse matrices: what rules sum over a person's past dishes is one product."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from components.domain.preferences.strengths import histories
from components.domain.preferences.tables import Floats, Questions


def verdict_matrix(questions: Questions) -> csr_matrix:
    """(Q, D) sum of the verdicts of each history on each dish."""
    return _matrix(questions, histories(questions).verdict.astype(np.float64))


def strength_matrix(questions: Questions, spread: float) -> csr_matrix:
    """(Q, D) sum of the strengths of each history on each dish; see `Opinions.strengths`."""
    return _matrix(questions, histories(questions).strengths(spread))


def count_matrix(questions: Questions) -> csr_matrix:
    """(Q, D) number of lines of each history on each dish."""
    return _matrix(questions, np.ones(int(questions.history_sizes.sum())))


def _matrix(questions: Questions, values: Floats) -> csr_matrix:
    opinions = histories(questions)
    shape = len(questions), len(questions.log.dishes)
    ends = np.concatenate([[0], np.cumsum(opinions.sizes)])
    return csr_matrix((values, opinions.dish, ends), shape=shape)


def entries(matrix: csr_matrix, questions: Questions) -> Floats:
    """(O,) the matrix's entry for each dish on offer and the question that offers it."""
    if not len(questions.offered):
        return np.empty(0)
    return np.asarray(matrix[questions.owner, questions.offered], np.float64).ravel()
