"""peft: LoRA weights attached to a base model, saved canonically, loaded and merged."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

from components.domain.errors import StageFailed
from components.domain.params import CandidateParams

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def attach(network: nn.Module, candidate: CandidateParams, seed: int) -> PeftModel:
    """Adds a fresh adapter in place (the second matrix is zero.

    Scores do not change yet) and freezes the rest.

    The adapter takes the base's dtype: float32 adapters on a bfloat16 base train at two thirds of the speed.
    """
    torch.manual_seed(seed)
    config = LoraConfig(
        r=candidate.rank,
        lora_alpha=candidate.alpha,
        target_modules=list(candidate.targets),
        layers_to_transform=list(range(*candidate.layers)),
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(network, config, autocast_adapter_dtype=False)
    except ValueError as error:
        modules = ", ".join(candidate.targets)
        raise StageFailed(
            f"The base model has no modules {modules} in layers {list(candidate.layers)}: "
            "set targets and layers of the candidate in params.yaml to modules that it has."
        ) from error


def save(adapted: PeftModel, folder: Path, base_id: str) -> None:
    """Writes the adapter's two files, byte for byte the same for the same adapter.

    peft's own config file lists target modules in hash order and records the path that the base was loaded
    from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    adapted.save_pretrained(str(folder), save_embedding_layers=False)
    for extra in folder.iterdir():
        if extra.name not in {WEIGHTS, CONFIG}:
            extra.unlink()
    weights = load_file(folder / WEIGHTS)
    save_file(dict(sorted(weights.items())), folder / WEIGHTS, metadata={"format": "pt"})
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    config["target_modules"] = sorted(config["target_modules"])
    config["base_model_name_or_path"] = base_id
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load(network: nn.Module, folder: Path) -> PeftModel:
    """Attaches a saved adapter, in the base's dtype, for inference.

    Raises:
        StageFailed: The folder holds no complete adapter.
    """
    if not all((folder / name).exists() for name in (WEIGHTS, CONFIG)):
        raise StageFailed(f"'{folder}' holds no adapter: it needs {WEIGHTS} and {CONFIG}.")
    loaded = PeftModel.from_pretrained(network, str(folder), autocast_adapter_dtype=False)
    return loaded.eval()


def merged(network: nn.Module, folder: Path) -> nn.Module:
    """The network with the adapter's product added to its weights: W + (alpha / rank) B A.

    Merge in float32: in bfloat16 the sum is rounded away where the change is small.
    """
    result: nn.Module = load(network, folder).merge_and_unload(safe_merge=True)
    return result
