"""Dishes as vectors of their words: how rules read text without a language model."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import svds

from components.domain.preferences.arrays import Floats
from components.domain.records import Dish

MAX_DENSE = 2000  # dishes or words up to which vectors hold every word
MAX_DIRECTIONS = 256


def _terms(dish: Dish) -> set[str]:
    text = " ".join((dish.name, dish.description, *dish.tags, *dish.ingredients)).lower()
    return set(re.findall(r"[^\W\d_]{3,}", text))


def word_vectors(dishes: Mapping[str, Dish], order: tuple[str, ...]) -> Floats:
    """Computes a dense vector for each dish, (D, S), from its row of `word_matrix`.

    With more than MAX_DENSE dishes or words, only the MAX_DIRECTIONS principal directions are kept.
    """
    words = word_matrix(dishes, order)
    if max(words.shape) <= MAX_DENSE or min(words.shape) <= MAX_DIRECTIONS:
        return np.asarray(words.toarray())
    if not words.count_nonzero():  # all dishes share all words, so there is no direction
        return np.zeros((len(order), 1))
    start = np.random.default_rng(0).random(min(words.shape))
    left, values, _ = svds(words, k=min(MAX_DIRECTIONS, min(words.shape) - 1), v0=start)
    return np.asarray(left * values)


def word_matrix(dishes: Mapping[str, Dish], order: tuple[str, ...]) -> csr_matrix:
    """Weights each dish's words by inverse document frequency, (D, V); each row has length 1."""
    texts = [sorted(_terms(dishes[dish])) for dish in order]
    column = {word: number for number, word in enumerate(sorted({word for text in texts for word in text}))}
    ends = np.cumsum([0, *(len(text) for text in texts)])
    words = np.array([column[word] for text in texts for word in text], np.int64)
    present = csr_matrix((np.ones(len(words)), words, ends), shape=(len(texts), len(column)))
    counts = np.bincount(words, minlength=len(column))
    weighted = csr_matrix(present @ diags(np.log(len(texts) / np.maximum(counts, 1))))
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    return csr_matrix(diags(1.0 / np.where(lengths > 0, lengths, 1.0)) @ weighted)
