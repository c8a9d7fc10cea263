"""peft: attaches to a base model what a candidate trains, and saves and loads it.

A candidate trains LoRA weights; with `method: full` the layers' own weights, to measure what LoRA saves; with
`method: none` no weights. The head of a candidate with dish vectors is a file beside the weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

from components.domain.errors import BadParams, StageFailed
from components.domain.ranker.artifacts import HEAD_FILE
from components.domain.ranker.heads import AnyHead, head_of
from components.domain.ranker.language_model import LanguageModel
from components.domain.training_params import CandidateParams

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
PLAIN = ("full", "none")  # methods without peft


def attach(network: nn.Module, candidate: CandidateParams, seed: int) -> nn.Module:
    """Makes the candidate's weights trainable and freezes the rest, in place; scores stay the same.

    An adapter has the base's dtype: float32 adapters on a bfloat16 base train at two thirds of the speed.

    Args:
        candidate: Settings of the candidate.
        seed: Seed of the adapter's first weights.

    Raises:
        BadParams: The network lacks a layer or all modules that the candidate trains.
    """
    if candidate.method in PLAIN:
        return _unfreeze(network, candidate)
    _check_layers(network, candidate)  # peft ignores layers that the base does not have
    torch.manual_seed(seed)
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
        raise BadParams(
            f"The base model has no modules {modules} in layers {list(candidate.layers)}: "
            "set targets and layers of the candidate in params.yaml to modules that it has."
        ) from error
    return adapted


def resume(model: LanguageModel, candidate: CandidateParams, folder: Path) -> nn.Module:
    """Loads a saved adapter of the same candidate, and its head, to continue their training."""
    network = load(model, folder, trainable=True)
    return _unfreeze(network, candidate) if candidate.method in PLAIN else network


def _check_layers(network: nn.Module, candidate: CandidateParams) -> None:
    count = len(network.get_decoder().layers)  # type: ignore[operator]
    if candidate.layers[1] > count:
        raise BadParams(
            f"The base model has {count} layers and a candidate's layers are {list(candidate.layers)}: "
            "lower the second number in params.yaml."
        )


def _unfreeze(network: nn.Module, candidate: CandidateParams) -> nn.Module:
    network.requires_grad_(requires_grad=False)
    if candidate.method == "none":
        return network
    _check_layers(network, candidate)
    layers = network.get_decoder().layers  # type: ignore[operator]
    for index in range(*candidate.layers):
        layers[index].requires_grad_(requires_grad=True)
    return network


def save(adapted: nn.Module, head: AnyHead | None, folder: Path, base_id: str) -> None:
    """Writes an adapter's files; equal adapters give equal bytes.

    peft's config file lists modules in random order and holds the base's path, so both are replaced in it.

    Args:
        adapted: Network that `attach`, `resume` or `load` returned.
        head: Head of dish vectors; None where the candidate has none.
        folder: Folder of the files; what it held before is deleted.
        base_id: Name of the base model, stored in the config file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {}
    if isinstance(adapted, PeftModel):
        adapted.save_pretrained(str(folder), save_embedding_layers=False)
        weights = load_file(folder / WEIGHTS)
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        config["target_modules"] = sorted(config["target_modules"])
    else:
        parameters = adapted.named_parameters()
        weights = {name: weight.detach().contiguous() for name, weight in parameters if weight.requires_grad}
        config["method"] = "full" if weights else "none"
    for path in folder.iterdir():
        path.unlink()
    config["base_model_name_or_path"] = base_id
    save_file(dict(sorted(weights.items())), folder / WEIGHTS, metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if head:
        tensors = {name: tensor.detach().contiguous() for name, tensor in sorted(head.tensors().items())}
        save_file(tensors, folder / HEAD_FILE, metadata={"format": "pt"})


def load(model: LanguageModel, folder: Path, *, trainable: bool = False) -> nn.Module:
    """Attaches a saved adapter, in the base's dtype, and its head; returns the adapted network.

    Args:
        model: Base model; it gets the head.
        trainable: Whether the adapter's weights may be trained further.

    Raises:
        StageFailed: The adapter in the folder is incomplete, or was trained on another base.
    """
    if not all((folder / name).exists() for name in (WEIGHTS, CONFIG)):
        raise StageFailed(f"'{folder}' holds no adapter: it needs {WEIGHTS} and {CONFIG}.")
    load_head(model, folder)
    if _method(folder) in PLAIN:
        unknown = model.network.load_state_dict(load_file(folder / WEIGHTS), strict=False).unexpected_keys
        if unknown:
            raise StageFailed(f"'{folder}' was trained on another base: it has no {unknown[0]}.")
        network: nn.Module = model.network
        return network
    adapted: nn.Module = PeftModel.from_pretrained(
        model.network, str(folder), is_trainable=trainable, autocast_adapter_dtype=False
    )
    return adapted.eval()


def _method(folder: Path) -> str:
    """Reads the method of a saved adapter, `full` or `none`; empty for an adapter that peft wrote."""
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    return str(config["method"]) if config.get("method") in PLAIN else ""


def load_head(model: LanguageModel, folder: Path) -> None:
    """Gives the model the head in an adapter's folder, if there is one, and leaves the weights alone."""
    if (folder / HEAD_FILE).exists():
        model.head, model.vectors = head_of(load_file(folder / HEAD_FILE, device=str(model.device))), {}
