"""The vectors of all dishes that are on hand, packed beside a merged model for its Bento."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch

from components.domain.ranker.dish_table import DishTable
from components.domain.records import Dish
from components.files import folder_sha256
from components.integrations import base_models, packed_vectors

ALL = 1 << 40  # no bound on what is read


def pack(model_folder: Path, dishes: Iterable[Dish], fields: tuple[str, ...], max_tokens: int) -> None:
    """Reads dishes as the service does and writes their vectors, if the model has a head.

    Args:
        model_folder: Of the merged model; the file goes beside it.
        dishes: Each id once; those that read alike are read once.
        fields: Fields of a dish that the model reads.
        max_tokens: Tokens of one dish at most; a longer one is left out, as the service does.
    """
    model = base_models.load(model_folder, torch.float32, base_models.choose_device())
    if model.head is None:
        return
    table = DishTable(model, model.head, fields, max_tokens, {})
    table.show(list(dishes))
    table.read(table.rows, ALL, ALL)
    vectors = table.by_name()
    if vectors:
        path = model_folder.parent / packed_vectors.VECTORS_FILE
        packed_vectors.save(path, vectors, folder_sha256(model_folder))
