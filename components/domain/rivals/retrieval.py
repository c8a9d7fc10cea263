"""Retrieval over a person's history: the past dishes most like what is on offer, by words or by vectors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
from scipy.sparse import csr_matrix

from components.domain.preferences.arrays import Floats, Ints, ranges
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.tables import Comparisons
from components.domain.records import Dish
from components.domain.rivals.pairs import Pairs

Similarity = Callable[[Ints, Ints], Floats]  # of each pair of dishes, given by their numbers in the log

K1, B = 1.2, 0.75  # the usual constants of BM25 (Robertson & Zaragoza 2009)
DECIMALS = 9  # two sums of the same numbers in another order are equally similar
PAIRS_AT_ONCE = 1_000_000


def bm25(dishes: Mapping[str, Dish], order: tuple[str, ...]) -> Similarity:
    """Builds Okapi BM25 over the words of dishes: a pair's first dish is the query, the second the document.

    Args:
        order: Ids in the order of the dishes' numbers.
    """
    texts = [Counter(_words(dishes[dish])) for dish in order]
    column = {word: number for number, word in enumerate(sorted({word for text in texts for word in text}))}
    ends = np.cumsum([0, *(len(text) for text in texts)])
    words = np.array([column[word] for text in texts for word in text], np.int64)
    times = np.array([count for text in texts for count in text.values()], np.float64)
    sizes = np.array([sum(text.values()) for text in texts], np.float64)
    counts = np.bincount(words, minlength=len(column))
    rarity = np.log(1 + (len(texts) - counts + 0.5) / (counts + 0.5))
    norm = K1 * (1 - B + B * sizes / (sizes.mean() or 1.0))
    weights = rarity[words] * times * (K1 + 1) / (times + np.repeat(norm, np.diff(ends)))
    shape = len(texts), len(column)
    queries = csr_matrix((np.ones(len(words)), words, ends), shape=shape)
    documents = csr_matrix((weights, words, ends), shape=shape)
    return lambda query, document: np.asarray(
        queries[query].multiply(documents[document]).sum(1), np.float64
    ).ravel()


def cosine(vectors: Floats) -> Similarity:
    """Builds the cosine of two dishes' vectors, from which the mean of all vectors is subtracted.

    Args:
        vectors: (D, width), for example hidden states of a language model. Hidden states all point in nearly
            one direction, which the subtraction removes.
    """
    centred = vectors - vectors.mean(0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    return lambda query, document: np.asarray((centred[query] * centred[document]).sum(1))


def nearness(pairs: Pairs, vectors: Floats, ratings: RatingScale) -> Floats:
    """Averages the cosine of a pair's dish to the past dishes, each times how much it was liked, (P,).

    Args:
        vectors: (D, width); their mean is subtracted first.
    """
    centred = vectors - vectors.mean(0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    people = pairs.strengths(ratings) @ centred / (pairs.opinions.sizes[:, None] + 1)
    return np.asarray((centred[pairs.dish] * people[pairs.history]).sum(1))


def with_most_similar_history(comparisons: Comparisons, similarity: Similarity, most: int) -> Comparisons:
    """Cuts each history to the `most` lines whose dishes are most like any dish on offer.

    Among equally similar lines the latest stay.
    """
    lines = comparisons.lines
    sizes = comparisons.sizes[lines.question]  # dishes on offer for each line
    query = comparisons.offered[ranges(comparisons.firsts[lines.question], sizes)]
    document = np.repeat(comparisons.log.dish[lines.line], sizes)
    parts = [slice(start, start + PAIRS_AT_ONCE) for start in range(0, len(query), PAIRS_AT_ONCE)]
    values = np.concatenate([np.empty(0), *(similarity(query[part], document[part]) for part in parts)])
    if not len(values):
        return comparisons
    likeness = np.maximum.reduceat(values, np.cumsum(sizes) - sizes).round(DECIMALS)
    order = np.lexsort([-lines.line, -likeness, lines.question])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(lines.sizes) - lines.sizes, lines.sizes)
    return comparisons.with_history_lines(rank < most)


def _words(dish: Dish) -> list[str]:
    text = " ".join((dish.name, dish.description, dish.cuisine, *dish.tags, *dish.ingredients))
    return re.findall(r"[^\W_]+", text.lower())
