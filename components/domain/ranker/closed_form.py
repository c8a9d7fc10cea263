"""Text factors on a language model's vectors: dishes are read once; everything else is closed form."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from components.domain.errors import BadParams
from components.domain.preferences.arrays import Bools
from components.domain.preferences.folds import Unit
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.factors import Dishes
from components.domain.ranker.fit_factors import Fitted, clearly_best, fit_factors
from components.domain.ranker.heads import head_of
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.line_words import words_of
from components.domain.ranker.prompts import DishTokens, Reading, readings_of
from components.domain.training_params import FactorParams


class States(Protocol):
    """Reads lines of token ids."""

    def __call__(self, lines: Sequence[Sequence[int]], *, reading: Reading) -> Tensor:
        """Computes the hidden states of lines, (lines, width)."""


def give_text_factors(
    model: LanguageModel,
    tokens: DishTokens,
    train: Comparisons,
    may_know: Bools,
    factors: FactorParams,
    unit: Unit,
    states: States | None = None,
) -> Fitted:
    """Fits text factors, and makes them the head of a model without an adapter.

    Every reading of dishes is tried. Folds of the training period choose one; see `clearly_best`.

    Args:
        may_know: (L,) True for the lines of the log that training may read.
        factors: The number of factors; its template, if it has one, is the only reading.
        unit: What is new in the test: days (with their dishes), people, or dishes.
        states: Looks up the hidden states of lines, for example stored ones; None to read them with the
            model.

    Raises:
        BadParams: The base has fewer layers than `factors` wants to read.
    """
    fits = []
    for reading in _readings(factors, len(model.decoder.layers)):
        lines = [tokens.alone(dish, reading.template) for dish in train.log.dishes]
        dishes = read_dishes(lines, reading, states or partial(hidden_states, model))
        fits.append((reading, lines, fit_factors(dishes, train, may_know, unit, factors.size)))
    reading, lines, fitted = fits[clearly_best([fit.losses for _, _, fit in fits])]
    head = fitted.factors.head(fitted.noise, fitted.weights, lines, reading)
    model.head = head_of({name: tensor.to(model.device) for name, tensor in head.tensors().items()})
    model.vectors = {}
    return fitted


def _readings(factors: FactorParams, layers: int) -> list[Reading]:
    if not factors.template:
        return readings_of(layers)
    if factors.layer > layers:
        raise BadParams(
            f"The base model has {layers} layers and a candidate's factors.layer is {factors.layer}: lower "
            "it in params.yaml, or set 0 for all of them."
        )
    return [Reading(factors.template, factors.layer)]


def read_dishes(lines: Sequence[Sequence[int]], reading: Reading, states: States) -> Dishes:
    """Computes the vectors of dishes from their lines of token ids; dishes with equal lines are twins.

    A vector is the model's state after the line, and the words of the line.
    """
    distinct = list(dict.fromkeys(map(tuple, lines)))
    number = {line: index for index, line in enumerate(distinct)}
    order = np.array([number[tuple(line)] for line in lines], np.int64)
    read = states(distinct, reading=reading).float().cpu()
    words = words_of(distinct, read)
    vectors = torch.cat([read, words.vectors(distinct)], dim=1).double().numpy()
    first = np.unique(order, return_index=True)[1]
    return Dishes(vectors[order], first[order], words)
