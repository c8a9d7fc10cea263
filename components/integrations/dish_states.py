"""Stores hidden states of dishes that a base has read, in one file of tensors for each reading.

So a night reads only dishes whose text is new. A stored state equals that of a new reading to the last bit
(`repeatable_states`), so a training gives the same adapter with and without these files.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from components.domain.ranker.encoding import repeatable_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import Reading

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredStates:
    """Reads lines with a base and keeps their hidden states in `folder`, so that no line is read twice.

    Attributes:
        folder: Folder of the files.
        model: The untuned base.
        sha256: SHA-256 of the base's weights.
    """

    folder: Path
    model: LanguageModel
    sha256: str

    def __call__(self, lines: Sequence[Sequence[int]], *, reading: Reading) -> Tensor:
        """Looks up (lines, width) hidden states in the file, and computes those that it lacks.

        If any were computed, the file holds exactly these lines afterwards.
        """
        path = self._path(reading)
        stored = _load(path)
        names = [_name(line) for line in lines]
        new = {name: line for name, line in zip(names, lines, strict=True) if name not in stored}
        if new:
            states = repeatable_states(self.model, list(new.values()), reading).cpu()
            stored.update(zip(new, states, strict=True))
        logger.info("%d dishes: %d are read, the others' states are stored", len(lines), len(new))
        states = torch.stack([stored[name] for name in names])
        if new:
            _save(path, names, states)
        return states.to(self.model.device)

    def _path(self, reading: Reading) -> Path:
        """Builds the path of the file for a reading and for everything that rounding depends on."""
        parts = self.sha256, reading, self.model.device, torch.__version__, torch.get_num_threads()
        return self.folder / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}.safetensors"


def _name(line: Sequence[int]) -> bytes:
    return hashlib.blake2b(repr(tuple(line)).encode(), digest_size=16).digest()


def _load(path: Path) -> dict[bytes, Tensor]:
    """Reads states by the names of their lines; empty where the file is missing or torn."""
    try:
        tensors = load_file(path)
        names, states = tensors["names"], tensors["states"]
    except (OSError, SafetensorError, KeyError):
        return {}
    return {bytes(name.tolist()): state for name, state in zip(names, states, strict=False)}


def _save(path: Path, names: Sequence[bytes], states: Tensor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    rows = torch.tensor([list(name) for name in names], dtype=torch.uint8)
    save_file({"names": rows, "states": states.contiguous()}, partial)
    partial.replace(path)
