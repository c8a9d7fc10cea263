"""The stage `pack`: stores the vectors of the known dishes beside a version that is to be served."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch

from components.domain.ranker.artifacts import VECTORS_FILE
from components.domain.ranker.dish_table import DishTable
from components.domain.records import Dish
from components.files import read_json
from components.integrations import base_models, packed_vectors, tuned_weights

ALL = 1 << 40  # no bound on what is read


def pack(served: Path, base: Path, dishes: Iterable[Dish]) -> None:
    """Reads dishes as the service does and writes their vectors, if the model has a head.

    Args:
        served: Folder with the version's adapter and served.json; the vectors are written there, too.
        base: Folder of the version's base model.
        dishes: Each id once. Dishes with the same text are read once; a dish too long for the service is
            left out.
    """
    facts = read_json(served / "served.json")
    model = base_models.load(base, torch.float32, base_models.choose_device())
    tuned_weights.add(model, served / "adapter")
    if model.head is None:
        return
    longest = facts["serve"]["max_line_tokens"]
    table = DishTable(model, model.head, tuple(facts["dish_fields"]), longest, {})
    table.show(list(dishes))
    table.read(table.rows, ALL, ALL)
    vectors = table.by_name()
    if vectors:
        packed_vectors.save(served / VECTORS_FILE, vectors, facts)
