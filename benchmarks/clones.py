"""Clones of HEAD, in which benchmarks run whole nights on an inbox."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.sample import BASE, REPO
from components.domain.params_file import read_yaml
from components.files import file_sha256, write_json
from components.integrations import base_models
from components.stages import paths


def clone_head(name: str) -> Path:
    """A fresh clone of HEAD below .palate/benchmarks, with this checkout's base model if there is one."""
    target = REPO / ".palate" / "benchmarks" / name
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", str(REPO), str(target)], check=True)
    if BASE.exists():
        shutil.copytree(BASE, target / paths.BASE)
    return target


def commit_of(clone: Path) -> str:
    """What was measured: HEAD here may have moved on meanwhile."""
    command = ["git", "rev-parse", "--short", "origin/HEAD"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout.strip()


def fill_inbox(clone: Path, sample: Path) -> Path:
    """An inbox with what a sample has."""
    inbox = clone / "inbox"
    shutil.rmtree(inbox, ignore_errors=True)
    shutil.copytree(sample, inbox)
    return inbox


def write_params(inbox: Path, params: Mapping[str, Any]) -> None:
    """Gives the inbox these params, with which nothing is promoted or packaged."""
    silent = {"register": {"promote_first": False}, "package": {"serve": "champion"}}
    (inbox / "params.yaml").write_text(yaml.safe_dump({**params, **silent}))


def flows(clone: Path, *verb: str) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "flows", *verb]
    return subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, text=True, check=True).stdout


def read_events(path: Path) -> list[dict[str, str]]:
    """The lines of an events.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_events(path: Path, events: Sequence[Mapping[str, Any]]) -> None:
    """The inverse of `read_events`, for one event or more."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(events[0]))
        writer.writeheader()
        writer.writerows(events)


def make_small_base(folder: Path) -> None:
    """Write a random model of two layers with the tokenizer of the base."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    base_models.materialise(read_yaml(REPO / "params.yaml")["base"]["model"], BASE)
    shutil.rmtree(folder, ignore_errors=True)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = AutoConfig.from_pretrained(
        BASE, **small, num_attention_heads=4, num_key_value_heads=2, head_dim=8, initializer_range=0.2
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(BASE).save_pretrained(folder)
    write_json(
        folder / base_models.MARKER, {"id": "small", "sha256": file_sha256(folder / "model.safetensors")}
    )
