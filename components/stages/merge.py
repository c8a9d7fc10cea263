"""An adapter folder + models/base → one model folder for serving."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from components.domain.ranker.dish_vectors import HEAD_FILE
from components.integrations import adapters, base_models
from components.stages.paths import BASE


def merge(adapter: Path, target: Path) -> None:
    """Merges in float32 and stores float16.

    float16 has three more mantissa bits than bfloat16 at the same size, and every base weight (bfloat16)
    keeps its value in it; a bfloat16 store rounds much of a small adapter away (docs/decisions/0004).
    """
    model = base_models.load(BASE, torch.float32, torch.device("cpu"))
    network = adapters.merged(model, adapter)
    base_models.save(network, model.tokenizer, target, torch.float16)
    if model.head:
        shutil.copy(adapter / HEAD_FILE, target / HEAD_FILE)
