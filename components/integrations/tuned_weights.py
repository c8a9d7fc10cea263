"""safetensors: adds a saved adapter's weights to its base's as the service computes, without peft."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from components.domain.errors import StageFailed
from components.domain.ranker.artifacts import HEAD_FILE
from components.domain.ranker.heads import head_of
from components.domain.ranker.language_model import LanguageModel

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_PREFIX = "base_model.model."  # what peft writes before a module's name in the base


def add(model: LanguageModel, folder: Path) -> None:
    """Adds a saved adapter to the model's weights, and gives the model the adapter's head.

    Changed weights are new tensors, so another model that shares the base's tensors keeps them as they are.

    Args:
        model: Base model in float32, since rounding would lose much of a small adapter.
        folder: Folder that integrations/adapters saved.

    Raises:
        StageFailed: The adapter was trained on another base.
    """
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    tensors = load_file(folder / WEIGHTS, device=str(model.device))
    tensors = {name: tensor.float() for name, tensor in tensors.items()}
    base = model.network.state_dict()
    try:
        changed = tensors if "method" in config else dict(_merged(base, tensors, config))
    except KeyError as error:
        raise StageFailed(f"the adapter was trained on another base, which has {error}") from error
    unknown = model.network.load_state_dict(changed, strict=False, assign=True).unexpected_keys
    if unknown:
        raise StageFailed(f"the adapter was trained on another base, which has '{unknown[0]}'")
    file = folder / HEAD_FILE
    model.head = head_of(load_file(file, device=str(model.device))) if file.exists() else None


def tunes_the_base(folder: Path) -> bool:
    """Tells whether a saved adapter changes the base's weights, instead of being a head alone."""
    return bool(json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("method") != "none")


def _merged(
    base: Mapping[str, Tensor], tensors: Mapping[str, Tensor], config: Mapping[str, Any]
) -> Iterator[tuple[str, Tensor]]:
    """Yields name and sum of each weight that LoRA changes: W + (alpha / rank) B A.

    DoRA also scales its rows.
    """
    scale = config["lora_alpha"] / (config["r"] ** 0.5 if config["use_rslora"] else config["r"])
    for name in tensors:
        module, is_a, _ = name.partition(".lora_A.")
        if not is_a:
            continue
        weight = f"{module.removeprefix(_PREFIX)}.weight"
        total = base[weight] + scale * tensors[f"{module}.lora_B.weight"] @ tensors[name]
        if config["use_dora"]:
            magnitude = tensors[f"{module}.lora_magnitude_vector"]
            total *= (magnitude / torch.linalg.norm(total, dim=1))[:, None]
        yield weight, total
