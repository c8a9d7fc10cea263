"""What a model remembers of dishes is bounded, however many new ones callers bring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from components.domain.preferences.strengths import RatingScale
from components.domain.ranker.dish_table import DishTable
from components.domain.ranker.dish_vectors import start_head
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.vector_memory import MAX_VECTORS, remember, vectors_of
from components.domain.records import Dish


@pytest.fixture
def reader(small_model: LanguageModel) -> LanguageModel:
    """A model with a head, that has read nothing."""
    head = start_head(hidden_states(small_model, [[40, 41], [42, 43], [44]]), 2, RatingScale())
    return replace(small_model, head=head, vectors={})


@pytest.mark.parametrize("remembered", [MAX_VECTORS - 3, MAX_VECTORS - 2, MAX_VECTORS])
def test_new_dishes_never_fill_more_than_the_memory(reader: LanguageModel, remembered: int) -> None:
    assert reader.head
    lines = [(40, 41), (42, 43), (44,)]
    alone = vectors_of(replace(reader, vectors={}), reader.head, [*lines, (1, 0)])
    remember(reader, [(1, number) for number in range(remembered)], torch.zeros(remembered, reader.head.size))
    together = vectors_of(reader, reader.head, [*lines, (1, 0)])
    assert len(reader.vectors) == (4 if remembered + 3 > MAX_VECTORS else MAX_VECTORS)
    assert together[:3].numpy() == pytest.approx(alone[:3].numpy(), abs=1e-4)
    assert together[3].any() == (remembered + 3 > MAX_VECTORS)  # read anew only where all was dropped


def test_a_table_holds_the_dishes_of_its_catalogue_alone(reader: LanguageModel) -> None:
    assert reader.head
    table = DishTable(reader, reader.head, ("name",), 400, {})
    for night in range(3):
        dishes = [Dish(f"d{number}", f"Stew {night} of {number}") for number in range(5 - night)]
        table.show([*dishes, Dish("always", "Bread")])
        table.read(np.arange(len(table.rows)), 200, 16_000)
        assert len(table.by_name()) == len(dishes) + 1
