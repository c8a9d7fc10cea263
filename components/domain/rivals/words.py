"""Dishes as vectors of their words: how rules read text without a language model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words of some dishes.

    Attributes:
        column: Column of each word, in alphabetical order.
        weights: (V,) inverse document frequency of each word.
        rarest: Weight of a word that only one of the dishes has, and so of an unknown word.
    """

    column: Mapping[str, int]
    weights: Floats
    rarest: float

    def matrix(self, dishes: Sequence[Dish]) -> csr_matrix:
        """Weights each dish's words by inverse document frequency, (dishes, V); each row has length 1.

        A word outside of the vocabulary has no column and makes the rest of its row shorter.
        """
        terms = [sorted(_terms(dish)) for dish in dishes]
        texts = [[self.column[word] for word in text if word in self.column] for text in terms]
        ends = np.cumsum([0, *(len(text) for text in texts)])
        words = np.array([word for text in texts for word in text], np.int64)
        weighted = csr_matrix((self.weights[words], words, ends), shape=(len(texts), len(self.column)))
        unknown = np.array([len(text) for text in terms], np.int64) - np.diff(ends)
        squares = np.asarray(weighted.multiply(weighted).sum(1)).ravel()
        lengths = np.sqrt(squares + unknown * self.rarest**2)
        return csr_matrix(diags(1.0 / np.where(lengths > 0, lengths, 1.0)) @ weighted)


def vocabulary_of(dishes: Sequence[Dish]) -> Vocabulary:
    """Collects the words of the dishes, and how rare each is among them."""
    texts = [_terms(dish) for dish in dishes]
    column = {word: number for number, word in enumerate(sorted(set().union(*texts)))}
    words = np.array([column[word] for text in texts for word in text], np.int64)
    counts = np.maximum(np.bincount(words, minlength=len(column)), 1)
    return Vocabulary(column, np.log(len(texts) / counts), float(np.log(max(1, len(texts)))))


def word_vectors(dishes: Mapping[str, Dish], order: tuple[str, ...]) -> tuple[Floats, Floats | None]:
    """Computes a dense vector for each dish from its row of `word_matrix`.

    With more than MAX_DENSE dishes or words, only the MAX_DIRECTIONS principal directions are kept.

    Returns:
        (D, S) vectors, and the (V, S) basis by which any row becomes one; None where the row itself is one.
    """
    words = word_matrix(dishes, order)
    if max(words.shape) <= MAX_DENSE or min(words.shape) <= MAX_DIRECTIONS:
        return np.asarray(words.toarray()), None
    if not words.count_nonzero():  # all dishes share all words, so there is no direction
        return np.zeros((len(order), 1)), np.zeros((words.shape[1], 1))
    start = np.random.default_rng(0).random(min(words.shape))
    left, values, right = svds(words, k=min(MAX_DIRECTIONS, min(words.shape) - 1), v0=start)
    return np.asarray(left * values), np.asarray(right.T)


def word_matrix(dishes: Mapping[str, Dish], order: tuple[str, ...]) -> csr_matrix:
    """Weights each dish's words by inverse document frequency, (D, V); each row has length 1."""
    ordered = [dishes[dish] for dish in order]
    return vocabulary_of(ordered).matrix(ordered)
