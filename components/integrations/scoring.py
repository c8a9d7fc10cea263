"""torch: scores of many comparisons, or of one menu, by packed forward passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from components.domain.language_model import LanguageModel
from components.domain.objective import scores_of_rows
from components.domain.packing import pack
from components.domain.prompts import DishTokens
from components.domain.records import Comparison

Floats = npt.NDArray[np.float64]


def score(
    model: LanguageModel, tokens: DishTokens, comparisons: Iterable[Comparison], row_tokens: int, what: str
) -> dict[str, Floats]:
    """Scores every dish of every comparison.

    Args:
        model: With or without an adapter attached.
        tokens: Covers all dishes of the comparisons and of their histories.
        comparisons: In any order.
        row_tokens: Token budget of a packed row.
        what: Named on the progress bar; no bar where it is empty.

    Returns:
        For each comparison's key, (dishes,) scores in the order of its dishes.
    """
    rows = pack(comparisons, tokens, row_tokens)
    scores: dict[str, Floats] = {}
    with torch.inference_mode():
        for row in tqdm(rows, desc=f"score {what}", unit="row", disable=None if what else True):
            values, comparison_of = scores_of_rows(model.decoder, model.direction, [row])
            given, owner = values.double().cpu().numpy(), comparison_of.cpu().numpy()
            for index, comparison in enumerate(row.comparisons):
                scores[comparison.key] = given[owner == index]
    return scores


def score_menu(model: LanguageModel, tokens: DishTokens, asked: Comparison) -> Sequence[float]:
    """Scores of one comparison's dishes; its `chosen` is not read."""
    return [float(value) for value in score(model, tokens, [asked], 1, "")[asked.key]]
