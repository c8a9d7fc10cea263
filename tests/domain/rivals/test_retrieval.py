"""Retrieval finds the past dishes most like what is on offer."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.tables import Comparisons
from components.domain.records import Comparison, Dish, Past
from components.domain.rivals.retrieval import K1, B, bm25, cosine, with_most_similar_history
from tests.domain.rivals.tastes import NOW

DISHES = {
    "a": Dish("a", "beef roulade"),
    "b": Dish("b", "pea stew"),
    "c": Dish("c", "beef stew stew"),
    "d": Dish("d", "apple strudel"),
    "o": Dish("o", "beef goulash"),
    "p": Dish("p", "pea soup"),
}


def _table(history: str, offered: tuple[str, ...]) -> Comparisons:
    past = tuple(Past(dish, 1) for dish in history)
    return comparison_table([Comparison("x", past, offered, "x", NOW, offered[0])])


def _history(comparisons: Comparisons) -> list[str]:
    return [past.dish_id for past in comparisons.question(0).history]


def test_retrieval_by_words_keeps_what_is_most_like_the_offer_in_its_order() -> None:
    table = _table("dabc", ("o", "p"))
    assert _history(with_most_similar_history(table, bm25(DISHES, table.log.dishes), 3)) == ["a", "b", "c"]


def test_bm25_is_the_textbooks() -> None:
    order = tuple(DISHES)
    texts = {dish: Counter(DISHES[dish].name.split()) for dish in order}
    mean = sum(sum(text.values()) for text in texts.values()) / len(texts)

    def score(query: str, document: str) -> float:
        total = 0.0
        for word in texts[query].keys() & texts[document].keys():
            count = sum(word in text for text in texts.values())
            rarity = math.log(1 + (len(texts) - count + 0.5) / (count + 0.5))
            times, size = texts[document][word], sum(texts[document].values())
            total += rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * size / mean))
        return total

    pairs = [(query, document) for query in order for document in order]
    numbers = np.array([[order.index(dish) for dish in pair] for pair in pairs])
    values = bm25(DISHES, order)(numbers[:, 0], numbers[:, 1])
    assert values == pytest.approx([score(*pair) for pair in pairs])


def test_retrieval_by_vectors_keeps_the_nearest_whatever_all_dishes_share() -> None:
    vectors = {
        "a": [0, 1, 0],
        "b": [0, 0, 1],
        "c": [0, 0.9, 0.1],
        "d": [0, -1, 0],
        "e": [0, 0, -1],
        "o": [0, 1, 0.1],
    }
    table = _table("dcab", ("o", "e"))
    assert table.log.dishes == tuple(vectors)
    similarity = cosine(np.array(list(vectors.values())) + np.array([100.0, 0.0, 0.0]))
    assert _history(with_most_similar_history(table, similarity, 2)) == ["c", "a"]
    d, o, a = np.array([3]), np.array([5]), np.array([0])
    assert similarity(o, d)[0] < 0 < similarity(o, a)[0]


def test_of_equally_similar_lines_the_latest_stay_and_empty_histories_stay_empty() -> None:
    table = _table("aabba", ("d", "p"))
    nothing_alike = cosine(np.zeros((len(table.log.dishes), 2)))
    assert _history(with_most_similar_history(table, nothing_alike, 2)) == ["b", "a"]
    assert _history(with_most_similar_history(_table("", ("d", "p")), nothing_alike, 2)) == []
