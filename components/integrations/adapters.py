"""peft: what training adds to a base model, attached, saved canonically, loaded and merged.

Mostly LoRA weights; `method: full` trains the layers' own weights, for the comparison that shows what LoRA
saves. A head of dish vectors, where a candidate has one, lies beside the weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

from components.domain.errors import StageFailed
from components.domain.params import CandidateParams
from components.domain.ranker.dish_vectors import HEAD_FILE, Head
from components.domain.ranker.language_model import LanguageModel

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_FULL = {"method": "full"}


def attach(network: nn.Module, candidate: CandidateParams, seed: int) -> nn.Module:
    """Makes what the candidate trains trainable, in place, and freezes the rest; scores do not change yet.

    An adapter takes the base's dtype: float32 adapters on a bfloat16 base train at two thirds of the speed.
    """
    _check_layers(network, candidate)  # peft leaves out in silence what the base has not
    torch.manual_seed(seed)
    if candidate.method == "full":
        return _unfreeze(network, candidate)
    config = LoraConfig(
        r=candidate.rank,
        lora_alpha=candidate.alpha,
        target_modules=list(candidate.targets),
        layers_to_transform=list(range(*candidate.layers)),
        use_rslora=candidate.method == "rslora",
        use_dora=candidate.method == "dora",
        task_type="CAUSAL_LM",
    )
    try:
        adapted: nn.Module = get_peft_model(network, config, autocast_adapter_dtype=False)
    except ValueError as error:
        modules = ", ".join(candidate.targets)
        raise StageFailed(
            f"The base model has no modules {modules} in layers {list(candidate.layers)}: "
            "set targets and layers of the candidate in params.yaml to modules that it has."
        ) from error
    return adapted


def resume(model: LanguageModel, candidate: CandidateParams, folder: Path) -> nn.Module:
    """Loads a saved adapter of the same candidate, and its head, to go on training them."""
    network = load(model, folder, trainable=True)
    return _unfreeze(network, candidate) if candidate.method == "full" else network


def _check_layers(network: nn.Module, candidate: CandidateParams) -> None:
    count = len(network.get_decoder().layers)  # type: ignore[operator]
    if candidate.layers[1] > count:
        raise StageFailed(
            f"The base model has {count} layers and a candidate's layers are {list(candidate.layers)}: "
            "lower the second number in params.yaml."
        )


def _unfreeze(network: nn.Module, candidate: CandidateParams) -> nn.Module:
    network.requires_grad_(requires_grad=False)
    layers = network.get_decoder().layers  # type: ignore[operator]
    for place in range(*candidate.layers):
        layers[place].requires_grad_(requires_grad=True)
    return network


def save(adapted: nn.Module, head: Head | None, folder: Path, base_id: str) -> None:
    """Writes the adapter's files, byte for byte the same for the same adapter.

    peft's own config file lists target modules in hash order and records the path that the base was loaded
    from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = dict(_FULL)
    if isinstance(adapted, PeftModel):
        adapted.save_pretrained(str(folder), save_embedding_layers=False)
        weights = load_file(folder / WEIGHTS)
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        config["target_modules"] = sorted(config["target_modules"])
    else:
        named = adapted.named_parameters()
        weights = {name: weight.detach().contiguous() for name, weight in named if weight.requires_grad}
    for old in folder.iterdir():
        old.unlink()
    config["base_model_name_or_path"] = base_id
    save_file(dict(sorted(weights.items())), folder / WEIGHTS, metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if head:
        tensors = {name: tensor.detach().contiguous() for name, tensor in sorted(head.tensors().items())}
        save_file(tensors, folder / HEAD_FILE, metadata={"format": "pt"})


def load(model: LanguageModel, folder: Path, *, trainable: bool = False) -> nn.Module:
    """Attaches a saved adapter, in the base's dtype, and its head; returns the adapted network.

    Args:
        model: The base.
        folder: What `save` wrote.
        trainable: For `resume`; otherwise for inference alone.

    Raises:
        StageFailed: The folder holds no complete adapter.
    """
    if not all((folder / name).exists() for name in (WEIGHTS, CONFIG)):
        raise StageFailed(f"'{folder}' holds no adapter: it needs {WEIGHTS} and {CONFIG}.")
    load_head(model, folder)
    if json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("method") == "full":
        unknown = model.network.load_state_dict(load_file(folder / WEIGHTS), strict=False).unexpected_keys
        if unknown:
            raise StageFailed(f"'{folder}' was trained on another base: it has no {unknown[0]}.")
        network: nn.Module = model.network
        return network
    adapted: nn.Module = PeftModel.from_pretrained(
        model.network, str(folder), is_trainable=trainable, autocast_adapter_dtype=False
    )
    return adapted.eval()


def load_head(model: LanguageModel, folder: Path) -> None:
    """Gives the model the head of an adapter's folder, if it has one, without the adapter."""
    if (folder / HEAD_FILE).exists():
        model.head, model.vectors = Head(**load_file(folder / HEAD_FILE, device=str(model.device))), {}


def merged(model: LanguageModel, folder: Path) -> nn.Module:
    """The network with the adapter's product added to its weights: W + (alpha / rank) B A.

    Merge in float32: in bfloat16 the sum is rounded away where the change is small.
    """
    adapted = load(model, folder)
    if not isinstance(adapted, PeftModel):
        return adapted
    result: nn.Module = adapted.merge_and_unload(safe_merge=True)
    return result
