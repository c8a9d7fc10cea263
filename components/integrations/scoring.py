"""torch: scores of many comparisons, or of one menu, by the head that the model has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from components.domain.ranker.dish_vectors import Head, dish_vectors, questions, vector_scores
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.objective import scores_of_rows
from components.domain.ranker.packing import pack
from components.domain.ranker.prompts import DishTokens
from components.domain.records import Comparison

Floats = npt.NDArray[np.float64]

MOST_VECTORS = 20_000  # remembered in a model; when there are more, all are forgotten


def score(
    model: LanguageModel, tokens: DishTokens, comparisons: Iterable[Comparison], row_tokens: int, what: str
) -> dict[str, Floats]:
    """Scores every dish of every comparison.

    Args:
        model: With or without an adapter attached.
        tokens: Covers all dishes of the comparisons and of their histories.
        comparisons: In any order.
        row_tokens: Token budget of a packed row; a head of dish vectors packs nothing.
        what: Named on the progress bar; no bar where it is empty.

    Returns:
        For each comparison's key, (dishes,) scores in the order of its dishes.
    """
    if model.head:
        return _by_vectors(model, model.head, tokens, list(comparisons))
    rows = pack(comparisons, tokens, row_tokens)
    scores: dict[str, Floats] = {}
    with torch.inference_mode():
        for row in tqdm(rows, desc=f"score {what}", unit="row", disable=None if what else True):
            values, comparison_of = scores_of_rows(model.decoder, model.direction, [row])
            given, owner = values.double().cpu().numpy(), comparison_of.cpu().numpy()
            for index, comparison in enumerate(row.comparisons):
                scores[comparison.key] = given[owner == index]
    return scores


def _by_vectors(
    model: LanguageModel, head: Head, tokens: DishTokens, comparisons: Sequence[Comparison]
) -> dict[str, Floats]:
    asked = questions(comparisons, float(head.spread))
    with torch.inference_mode():
        vectors = _vectors(model, head, [tokens.alone(dish) for dish in asked.dishes])
        values = vector_scores(vectors, asked, head).double().cpu().numpy()
    ends = np.cumsum([len(each.dishes) for each in comparisons])
    return {
        each.key: values[end - len(each.dishes) : end] for each, end in zip(comparisons, ends, strict=True)
    }


def _vectors(model: LanguageModel, head: Head, lines: Sequence[tuple[int, ...]]) -> Tensor:
    """(lines, size) vectors; a line is read once in a model's life."""
    new = [line for line in dict.fromkeys(lines) if line not in model.vectors]
    if len(model.vectors) + len(new) > MOST_VECTORS:
        model.vectors.clear()
        new = list(dict.fromkeys(lines))
    if new:
        made = dish_vectors(hidden_states(model, new), head)
        model.vectors.update(zip(new, made, strict=True))
    return torch.stack([model.vectors[line] for line in lines])


def score_menu(model: LanguageModel, tokens: DishTokens, asked: Comparison) -> Sequence[float]:
    """Scores of one comparison's dishes; its `chosen` is not read."""
    return [float(value) for value in score(model, tokens, [asked], 1, "")[asked.key]]
