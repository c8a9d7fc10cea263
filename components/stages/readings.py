"""Which reading of dishes is best for text factors? Tried on folds of the training period, never on the test.

This is not a stage of a night: `make readings` prints the table after a night. The best reading is its first
line, which params.yaml should name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

import torch

from components.domain.params import Params
from components.domain.preferences.folds import Unit, unit_of
from components.domain.preferences.splits import Split
from components.domain.ranker.closed_form import read_dishes
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.fit_factors import Fitted, fit_factors
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DISH_LINE, DishTokens, Pooling, Reading
from components.integrations import base_models, comparison_files
from components.stages.paths import BASE, SPLITS

TEMPLATES = (
    DISH_LINE,
    "{dish}?",
    "{dish} is most similar to",
    "Dish: {dish}. Its main ingredient is",
    "{dish} belongs to the cuisine of",
    "People who like {dish} also like",
    "{dish}. It tastes",
)
DEPTHS = (0.6, 0.8, 0.9, 1.0)  # shares of the layers that are read; the last is normalised
POOLINGS: tuple[Pooling, ...] = ("last", "mean")
SIZE = 64  # text factors


def readings(params: Params) -> str:
    """Tries all readings on the folds and writes a table of their loss and pair accuracy.

    The reading with the least loss comes first.
    """
    torch.set_num_threads(params.train.threads)
    files, model = comparison_files.read_split(SPLITS), base_models.load_on_best_device(BASE)
    tokens = model.dish_tokens(files.dishes, params.prompt.dish_fields)
    split = Split(files.train, files.test, files.may_know)
    tried = sorted(tried_readings(model, tokens, split, unit_of(params.split)), key=lambda pair: pair[1].loss)
    comparisons = tried[0][1].comparisons
    heading = f"{'loss':>7}  {'pair accuracy':>13}  {'layer':>5}  pooling  template"
    lines = [f"{heading}, on {comparisons:,} comparisons"]
    for reading, fitted in tried:
        figures = f"{fitted.loss:7.4f}  {fitted.accuracy:13.4f}  {reading.layer:5}  {reading.pooling:7}"
        lines.append(f"{figures}  {reading.template!r}")
    return "\n".join(lines)


def tried_readings(
    model: LanguageModel, tokens: DishTokens, split: Split, unit: Unit
) -> Iterator[tuple[Reading, Fitted]]:
    """Fits text factors on every reading and yields the reading with its fit.

    Args:
        split: The night's split; its test is not read.
        unit: What is new in the test: days, people or dishes.
    """
    layers = len(model.decoder.layers)
    for template in TEMPLATES:
        lines = [tokens.alone(dish, template) for dish in split.train.log.dishes]
        for depth, pooling in product(DEPTHS, POOLINGS):
            reading = Reading(template, 0 if depth == 1 else round(layers * depth), pooling)
            dishes = read_dishes(lines, reading, partial(hidden_states, model))
            yield reading, fit_factors(dishes, split.train, split.may_know, unit, SIZE)
