"""An adapter folder + models/base → one model folder for serving."""

from __future__ import annotations

from pathlib import Path

import torch

from components.integrations import adapters, base_models
from components.stages.paths import BASE


def merge(adapter: Path, target: Path) -> None:
    """Merges in float32 and stores float16.

    float16 has three more mantissa bits than bfloat16 at the same size, and every base weight (bfloat16)
    keeps its value in it; a bfloat16 store rounds much of a small adapter away (docs/decisions/0004).
    """
    model = base_models.load(BASE, torch.float32, torch.device("cpu"))
    base_models.save(adapters.merged(model.network, adapter), model.tokenizer, target, torch.float16)
