"""A score of text factors is ridge regression on a person's past, and is the same however it is batched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from components.domain.errors import ReleaseRefused
from components.domain.preferences.from_records import question_table
from components.domain.preferences.strengths import RatingScale
from components.domain.ranker.dish_vectors import Batch, Head, batch_of
from components.domain.ranker.heads import head_of
from components.domain.ranker.prompts import Reading
from components.domain.ranker.text_factors import (
    HISTORIES_AT_ONCE,
    TextFactors,
    from_bytes,
    name_of,
    parts_of_scores,
    to_bytes,
)
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Past, Question

DISHES, SIZE = 9, 3
DRAW = np.random.default_rng(4)
VECTORS = torch.from_numpy(DRAW.normal(size=(DISHES, 1 + SIZE)))
NOISE, UNRATED = torch.tensor([0.7]), torch.tensor([0.8, 0.15])
PASTS = st.lists(
    st.builds(
        Past,
        st.sampled_from([f"d{number}" for number in range(DISHES)]),
        st.sampled_from([LIKED, NEUTRAL, DISLIKED]),
        st.one_of(st.none(), st.floats(1, 5)),
    ),
    max_size=12,
)
SCALE = RatingScale(3.0, 2.0, 1.2)


def _batch(histories: list[list[Past]]) -> tuple[Batch, torch.Tensor]:
    every = tuple(f"d{number}" for number in range(DISHES))
    questions = [Question(f"p{n}", tuple(history), every) for n, history in enumerate(histories)]
    return batch_of(question_table(questions), SCALE), VECTORS


def _by_ridge(history: list[Past]) -> np.ndarray:
    """Scikit-learn's ridge without intercept: each line weighs its information."""
    common, factors = VECTORS[:, 0].numpy(), VECTORS[:, 1:].numpy()
    if not history:
        return common
    number = [int(past.dish_id[1:]) for past in history]
    rated = np.array([past.rating is not None for past in history])
    ratings = np.array([past.rating or 0.0 for past in history])
    mean = (ratings[rated].sum() + SCALE.prior * SCALE.mean) / (rated.sum() + SCALE.prior)
    verdicts = np.array([past.verdict for past in history])
    above = np.where(rated, (ratings - mean) / SCALE.spread - common[number], verdicts * 0.8 / 0.15)
    model = Ridge(alpha=0.7, fit_intercept=False)
    model.fit(factors[number], above, sample_weight=np.where(rated, 1.0, 0.15))
    return common + factors @ model.coef_


@settings(max_examples=50)
@given(st.lists(PASTS, min_size=1, max_size=4))
def test_a_score_is_the_mean_and_ridge_regression_on_the_past(histories: list[list[Past]]) -> None:
    batch, vectors = _batch(histories)
    common, personal = parts_of_scores(vectors, batch, NOISE, UNRATED)
    expected = np.concatenate([_by_ridge(history) for history in histories])
    assert (common + personal[0]).numpy() == pytest.approx(expected, abs=1e-4)


@settings(max_examples=50)
@given(PASTS, st.integers(0, DISHES - 1))
def test_a_deviation_is_that_of_the_posterior_and_shrinks_with_opinions(past: list[Past], other: int) -> None:
    head = _head()
    head.noise, head.unrated = NOISE[0], UNRATED

    def deviations(history: list[Past]) -> np.ndarray:
        batch, vectors = _batch([history])
        return head.deviations(vectors - vectors[other], vectors, batch).numpy()

    factors = VECTORS[:, 1:].numpy()
    lines = factors[[int(line.dish_id[1:]) for line in past]].reshape(-1, SIZE)
    information = np.array([0.15 if line.rating is None else 1.0 for line in past])
    covariance = np.linalg.inv(np.eye(SIZE) + lines.T @ (lines * information[:, None]) / 0.7)
    away = factors - factors[other]
    expected = float(head.weights[1]) * np.sqrt(np.einsum("cs,st,ct->c", away, covariance, away))
    assert np.allclose(deviations(past), expected, atol=1e-5)
    assert deviations(past)[other] == 0
    assert (deviations([*past, Past("d1", LIKED, 4.0)]) <= expected + 1e-5).all()


def test_every_noise_has_scores_of_its_own() -> None:
    batch, vectors = _batch([[Past("d1", LIKED, 5.0), Past("d2", LIKED, None)]])
    noises = torch.tensor([0.1, 0.7, 5.0])
    together = parts_of_scores(vectors, batch, noises, UNRATED)[1]
    for noise, personal in zip(noises, together, strict=True):
        assert torch.equal(parts_of_scores(vectors, batch, noise[None], UNRATED)[1][0], personal)


def test_batches_of_histories_give_what_each_gives() -> None:
    draw = np.random.default_rng(1)
    histories = [
        [Past(f"d{draw.integers(DISHES)}", LIKED, float(draw.integers(1, 6))) for _ in range(n % 5)]
        for n in range(700)
    ]
    batch, vectors = _batch(histories)
    assert len(batch.past) > HISTORIES_AT_ONCE
    parts = [_batch(histories[first : first + 70])[0] for first in range(0, 700, 70)]
    in_parts = torch.cat([parts_of_scores(vectors, part, NOISE, UNRATED)[1] for part in parts], dim=1)
    assert torch.allclose(parts_of_scores(vectors, batch, NOISE, UNRATED)[1], in_parts, atol=1e-6)


def _head() -> TextFactors:
    lines = [(1, 2), (3,)]
    names = torch.tensor(sorted(map(name_of, lines)))
    return TextFactors(
        centre=torch.ones(2),
        projection=torch.eye(2),
        offset=torch.tensor([0.5, 0.0]),
        dishes=names,
        residual=torch.tensor([[10.0, 0.0], [10.0, 0.0]]),
        noise=NOISE[0],
        unrated=UNRATED,
        weights=torch.tensor([2.0, 3.0]),
        spread=torch.tensor(1.2),
        rating_mean=torch.tensor(3.0),
        rating_prior=torch.tensor(2.0),
        template=to_bytes("Was ist {dish}? 味"),
        layer=torch.tensor(3),
    )


def test_only_a_dish_of_the_table_has_a_residual() -> None:
    vectors = _head().vectors(torch.ones(3, 2), [(1, 2), (2, 1), (3,)])
    assert vectors[:, 0].tolist() == [10.5, 0.5, 10.5]
    new = torch.tensor([], dtype=torch.int64)
    empty = TextFactors(**{**_head().tensors(), "dishes": new, "residual": torch.zeros(0, 2)})
    assert empty.vectors(torch.ones(1, 2), [(3,)])[:, 0].tolist() == [0.5]


def test_a_head_is_its_tensors_and_back() -> None:
    head = _head()
    again = head_of(head.tensors())
    assert isinstance(again, TextFactors)
    assert again.reading == Reading("Was ist {dish}? 味", 3)
    assert again.rating_scale.mean == 3.0
    with pytest.raises(ReleaseRefused, match="mean of a line"):
        head_of({**head.tensors(), "mean": torch.tensor(1)})
    assert isinstance(head_of({**head.tensors(), "mean": torch.tensor(0)}), TextFactors)
    plain = head_of({name: torch.zeros(1) for name in Head.__dataclass_fields__})
    assert isinstance(plain, Head)


def test_weights_scale_both_parts_of_a_score() -> None:
    batch, vectors = _batch([[Past("d1", LIKED, 5.0)]])
    common, personal = parts_of_scores(vectors, batch, NOISE, UNRATED)
    assert torch.allclose(_head().scores(vectors, batch), 2 * common + 3 * personal[0])


@given(st.text(max_size=50))
def test_a_text_survives_as_bytes(text: str) -> None:
    text = text.encode(errors="ignore").decode()
    if text:
        assert from_bytes(to_bytes(text)) == text


@given(st.lists(st.integers(0, 50_000), min_size=1, max_size=5), st.lists(st.integers(0, 50_000), min_size=1))
def test_names_of_lines_differ(one: list[int], other: list[int]) -> None:
    assert (name_of(one) == name_of(other)) == (one == other)
    assert 0 <= name_of(one) < 2**63
