"""Words of lines: only shared ones count, rare ones most, and an unknown one takes weight from the others."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.domain.ranker.line_words import MAX_WORDS, NO_WORDS, words_of

LINES = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6).map(tuple), min_size=1, max_size=8)


@given(LINES, LINES, st.integers(0, 99))
def test_a_row_is_the_normalised_inverse_document_frequencies_of_its_shared_words(
    lines: list[tuple[int, ...]], others: list[tuple[int, ...]], seed: int
) -> None:
    states = torch.from_numpy(np.random.default_rng(seed).normal(size=(len(lines), 3)))
    words, count = words_of(lines, states), len(lines)
    having = {word: sum(word in line for line in lines) for word in range(13)}
    shared = [word for word, lines_with in having.items() if lines_with > 1]
    assert words.ids.tolist() == shared
    length = float(words.scale[1])
    for row, line in zip(words.vectors(others), others, strict=True):
        weights = {word: math.log(count / max(1, having[word])) for word in set(line)}
        norm = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
        expected = [length * weights.get(word, 0.0) / norm for word in shared]
        assert row.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)
    rows = words.vectors(lines).double()
    spread = (rows - rows.mean(0)).square().sum(1).mean()
    if spread > 1e-6:  # lines differ in their words: they differ as much as their states do
        assert float(spread) == pytest.approx(
            float((states - states.mean(0)).square().sum(1).mean()), rel=1e-3
        )


def test_ten_thousand_dishes_have_few_words_and_no_words_have_no_columns() -> None:
    lines = [(1, 10 + number % 5000, 6000 + number % 7) for number in range(10_000)]
    words = words_of(lines, torch.eye(2)[torch.arange(10_000) % 2])
    assert len(words.ids) == MAX_WORDS
    assert words.ids.tolist() == sorted(words.ids.tolist())
    assert {6000 + number for number in range(7)} <= set(words.ids.tolist())
    assert NO_WORDS.vectors(lines[:3]).shape == (3, 0)
