"""The stage `merge`: an adapter's folder and models/base → one model folder for serving."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from components.domain.ranker.dish_vectors import HEAD_FILE
from components.integrations import adapters, base_models
from components.stages.paths import BASE


def merge(adapter: Path, target: Path, base: Path = BASE) -> None:
    """Adds an adapter to the base model's weights in float32 and stores the sum in float16.

    float16 has three more mantissa bits than bfloat16 at the same size, and every base weight (bfloat16) has
    the same value in it; bfloat16 would lose much of a small adapter by rounding (docs/decisions/0004).

    Args:
        adapter: Folder of the adapter.
        target: Folder of the merged model, its tokenizer and, if the adapter has one, its head.
        base: Folder of the base model.
    """
    model = base_models.load(base, torch.float32, torch.device("cpu"))
    network = adapters.merged(model, adapter)
    base_models.save(network, model.tokenizer, target, torch.float16)
    if model.head:
        shutil.copy(adapter / HEAD_FILE, target / HEAD_FILE)
