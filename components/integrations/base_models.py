"""transformers: any causal language model as a scorer of dishes, from a package, a folder or a hub.

Only this file imports transformers; what leaves it is a `LanguageModel`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedTokenizerBase,
)
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import eager_mask
from transformers.utils import logging as transformers_logging

from components.domain.errors import StageFailed
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import ANSWERS
from components.files import file_sha256, replace_text

logger = logging.getLogger(__name__)
MARKER = "palate.json"  # written last: its existence means that the folder is complete
MOST_TEXTS = 4096  # whose tokens a model keeps at hand: 44 MB where all have 400 tokens


def choose_device() -> torch.device:
    """Chooses the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_dtype(device: torch.device) -> torch.dtype:
    """Chooses bfloat16 where the processor computes in it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    capabilities = torch.cpu.get_capabilities()
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16")
    return torch.bfloat16 if native else torch.float32


def load_on_best_device(folder: Path) -> LanguageModel:
    """Loads a model folder on the fastest device, in the dtype that is fastest there."""
    device = choose_device()
    return load(folder, choose_dtype(device), device)


def load(folder: Path, dtype: torch.dtype, device: torch.device) -> LanguageModel:
    """Loads the folder of a materialised base for scoring."""
    transformers_logging.disable_progress_bar()
    plain = device.type == "cpu" and dtype == torch.bfloat16
    attention = "palate" if plain else "sdpa"
    network = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation=attention, use_safetensors=True
    )
    network = network.to(device)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    yes, no = (_single_token(tokenizer, answer) for answer in ANSWERS)
    output = network.get_output_embeddings().weight
    direction = (output[yes].float() - output[no].float()).detach().clone()

    @lru_cache(MOST_TEXTS)
    def encoded(text: str) -> tuple[int, ...]:
        return tuple(tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids)

    def encode(text: str) -> list[int]:
        return list(encoded(text))

    prefix = tuple(tokenizer("").input_ids)
    return LanguageModel(network, network.get_decoder(), direction, tokenizer, encode, prefix, device)


def _attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **settings: Any
) -> tuple[Tensor, None]:
    """Computes attention as transformers asks: by plain products in training, else by PyTorch's fused kernel.

    On a CPU in bfloat16 the kernel's backward pass takes 14 ms a layer for 64 lines of eleven tokens; with
    plain products it takes 2 ms (docs/decisions/0017).
    """
    scale, special = settings.get("scaling"), settings.get("dropout") or settings.get("softcap")
    if mask is None or scale is None or special or not torch.is_grad_enabled():
        return sdpa_attention_forward(module, query, key, value, mask, **settings)  # type: ignore[no-any-return]
    shared = query.shape[1] // key.shape[1]  # query heads to a key's
    weights = (query * scale @ repeat_kv(key, shared).transpose(-1, -2) + mask).softmax(-1)
    return (weights @ repeat_kv(value, shared)).transpose(1, 2).contiguous(), None


AttentionInterface.register("palate", _attend)
AttentionMaskInterface.register("palate", eager_mask)


def _single_token(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    ids = tokenizer(text, add_special_tokens=False).input_ids
    if len(ids) != 1:
        raise StageFailed(
            f"The base model's tokenizer reads the answer {text!r} as {len(ids)} tokens, not one."
        )
    return int(ids[0])


def save(network: nn.Module, tokenizer: PreTrainedTokenizerBase, folder: Path, dtype: torch.dtype) -> None:
    """Writes weights (safetensors, in `dtype`), configuration and tokenizer."""
    transformers_logging.disable_progress_bar()
    network.to(dtype).save_pretrained(folder)  # type: ignore[operator]
    tokenizer.save_pretrained(folder)


def materialise(spec: str, folder: Path) -> dict[str, str]:
    """Writes the base model to `folder` as safetensors, unless the folder already holds this very one.

    Args:
        spec: `package:NAME` (an installed package with one GGUF file in it), a folder of transformers or
            with one GGUF file, or a hub id that is cached.
        folder: Folder to which the model is written.

    Returns:
        `id` (the spec), `sha256` of the weights, and `licence` as the package names it, else empty.
    """
    marker = folder / MARKER
    if marker.exists():
        facts: dict[str, str] = json.loads(marker.read_text(encoding="utf-8"))
        if facts["id"] == spec:
            return facts
        marker.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    transformers_logging.disable_progress_bar()
    try:
        network, tokenizer = (
            _from_gguf(spec, _folders_of(spec.removeprefix("package:")))
            if spec.startswith("package:")
            else _from(spec)
        )
    except (OSError, ValueError) as error:
        raise StageFailed(
            f"base.model '{spec}' cannot be loaded: {' '.join(str(error).split())[:300]}"
        ) from error
    save(network, tokenizer, folder, torch.bfloat16)
    facts = {"id": spec, "sha256": file_sha256(folder / "model.safetensors"), "licence": _licence(spec)}
    replace_text(marker, json.dumps(facts, indent=1) + "\n")
    logger.info("base model %s: %.1f M parameters", spec, sum(p.numel() for p in network.parameters()) / 1e6)
    return facts


def _licence(spec: str) -> str:
    """Looks up the licence that a package names; empty where it names none, or the model is not a package."""
    try:
        about = importlib.metadata.metadata(spec.removeprefix("package:"))
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""
    classified = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier", ()) if "License" in line]
    stated = (*about.get_all("License-Expression", ()), *about.get_all("License", ()))
    return str(next(iter(stated), ", ".join(classified)))


def _from(spec: str) -> tuple[Any, PreTrainedTokenizerBase]:
    folder = Path(spec).expanduser()
    if folder.is_dir() and not (folder / "config.json").exists():
        return _from_gguf(spec, [folder])
    network = AutoModelForCausalLM.from_pretrained(spec, dtype=torch.float32, use_safetensors=True)
    return network, AutoTokenizer.from_pretrained(spec)


def _folders_of(package: str) -> list[Path]:
    # find_spec, not import: the package's own dependencies are not needed for the file that it carries.
    spec = importlib.util.find_spec(package.replace("-", "_"))
    return [Path(folder) for folder in spec.submodule_search_locations or []] if spec else []


def _from_gguf(spec: str, folders: list[Path]) -> tuple[Any, PreTrainedTokenizerBase]:
    files = [file for folder in folders for file in sorted(folder.glob("*.gguf"))]
    if len(files) != 1:
        raise StageFailed(f"base.model '{spec}': expected one .gguf file in it, found {len(files)}.")
    source, name = files[0].parent, files[0].name
    config = GgufConfig(dequantize=True)
    loaded = AutoModelForCausalLM.from_pretrained(
        source, gguf_file=name, dtype=torch.float32, quantization_config=config
    )
    # A model loaded from GGUF is marked quantized even when dequantized and refuses to be saved or trained
    # (transformers 5.23, `is_serializable` and `is_trainable`), so its weights move into a fresh one.
    values = loaded.config.to_dict()
    values.pop("quantization_config", None)
    values.pop("_name_or_path", None)
    network = AutoModelForCausalLM.from_config(type(loaded.config).from_dict(values), dtype=torch.float32)
    network.load_state_dict(loaded.state_dict(), strict=True)
    network.tie_weights()
    network.generation_config = loaded.generation_config
    return network, AutoTokenizer.from_pretrained(source, gguf_file=name)
