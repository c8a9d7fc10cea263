"""safetensors: the file of dish vectors that travels with a release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from components.domain.errors import StageFailed

_MADE_WITH = "base_sha256", "adapter_sha256"


def save(path: Path, vectors: Mapping[bytes, Tensor], facts: Mapping[str, str]) -> None:
    """Writes vectors to a file; equal vectors give equal bytes.

    Args:
        vectors: At least one vector, (S,) float32, by the sixteen bytes that name a dish's text.
        facts: Content of served.json, with the checksums of the model that made them.
    """
    names = sorted(vectors)
    tensors = {
        "names": torch.tensor([list(name) for name in names], dtype=torch.uint8),
        "vectors": torch.stack([vectors[name].float().cpu() for name in names]),
    }
    save_file(tensors, path, metadata={name: facts[name] for name in _MADE_WITH})


def load(path: Path, facts: Mapping[str, str], device: torch.device) -> dict[bytes, Tensor]:
    """Reads the vectors of a file, by the names of their texts.

    Args:
        facts: Content of served.json, with the checksums of the model that is served.

    Raises:
        StageFailed: The file cannot be read, or another model made its vectors.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            made_with = file.metadata() or {}
            names, vectors = file.get_tensor("names").cpu().numpy(), file.get_tensor("vectors")
    except (OSError, SafetensorError) as error:
        raise StageFailed(f"the dish vectors in '{path.name}' cannot be read: {error}") from error
    if any(made_with.get(name) != facts[name] for name in _MADE_WITH):
        raise StageFailed(f"the dish vectors in '{path.name}' were made with another model")
    return {name.tobytes(): vector for name, vector in zip(names, vectors, strict=True)}
