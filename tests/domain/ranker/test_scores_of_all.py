"""A whole catalogue is scored as its dishes are one menu at a time, whatever head scores them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.from_records import question_table
from components.domain.preferences.strengths import RatingScale
from components.domain.ranker.dish_vectors import ROWS_AT_ONCE, Head, batch_of, start_head
from components.domain.ranker.heads import AnyHead
from components.domain.ranker.text_factors import TextFactors
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Past, Question

WIDTH, SIZE = 12, 5
RATINGS = st.one_of(st.none(), st.floats(1, 5))
LINES = st.lists(
    st.tuples(st.integers(0, 39), st.sampled_from([LIKED, NEUTRAL, DISLIKED]), RATINGS), max_size=30
)


def _head(kind: str, draw: torch.Generator) -> AnyHead:
    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw)

    if kind == "vectors":
        head: Head = start_head(normal(30, WIDTH), SIZE, RatingScale(3.0, 5.0, 1.5))
        head.appeal, head.gains, head.focus = normal(SIZE), normal(SIZE), normal()
        return head
    return TextFactors(
        normal(WIDTH),
        normal(1 + SIZE, WIDTH),
        normal(1 + SIZE),
        torch.zeros(0, dtype=torch.int64),
        torch.zeros(0, 1 + SIZE),
        torch.tensor(0.7),
        torch.tensor([0.4, 0.6]),
        torch.tensor([0.8, 1.3]),
        torch.tensor(1.2),
        torch.tensor(3.0),
        torch.tensor(4.0),
    )


def _both(
    kind: str, lines: list[tuple[int, int, float | None]], count: int, seed: int
) -> tuple[object, object]:
    """Scores of all dishes at once, and as one menu."""
    draw = torch.Generator().manual_seed(seed)
    head = _head(kind, draw)
    vectors = head.vectors(torch.randn(count, WIDTH, generator=draw), [()] * count)
    history = tuple(Past(f"d{dish % count:06}", verdict, rating) for dish, verdict, rating in lines)
    menu = question_table([Question("p", history, tuple(f"d{number:06}" for number in range(count)))])
    alone = batch_of(question_table([Question("p", history, ())]), head.rating_scale)
    past = vectors[[int(dish[1:]) for dish in alone.dishes]] if alone.dishes else torch.zeros(1, head.size)
    return head.scores_of_all(vectors, past, alone).numpy(), head.scores(
        vectors, batch_of(menu, head.rating_scale)
    ).numpy()


@pytest.mark.parametrize("kind", ["vectors", "factors"])
@given(lines=LINES, count=st.integers(1, 40), seed=st.integers(0, 1000))
def test_the_scores_of_all_are_those_of_one_menu(
    kind: str, lines: list[tuple[int, int, float | None]], count: int, seed: int
) -> None:
    at_once, as_menu = _both(kind, lines, count, seed)
    np.testing.assert_allclose(at_once, as_menu, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["vectors", "factors"])
def test_more_dishes_than_are_compared_at_once(kind: str) -> None:
    at_once, as_menu = _both(kind, [(1, LIKED, None), (7, DISLIKED, 2.0)], ROWS_AT_ONCE + 3, 7)
    np.testing.assert_allclose(at_once, as_menu, rtol=1e-4, atol=1e-4)
