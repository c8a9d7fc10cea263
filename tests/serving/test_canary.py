"""The canary notices any part of an adapter that is not served as trained, and lets a true one pass."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from components.domain.ranker.artifacts import HEAD_FILE
from components.domain.records import DISLIKED, LIKED, NEUTRAL
from components.domain.verdict import canary
from components.integrations import base_models, scoring, tuned_weights
from tests.serving.conftest import FIELDS

WEIGHTS = "adapter_model.safetensors"


def _questions(trained: Path) -> list[canary.CanaryQuestion]:
    return canary.from_json(json.loads((trained / "served" / "canary.json").read_text()))


def _why_wrong(trained: Path, base: Path, adapter: Path) -> str | None:
    """What the canary says of the base with this adapter, merged as the service does."""
    questions = _questions(trained)
    model = base_models.load(base, torch.float32, torch.device("cpu"))
    tuned_weights.add(model, adapter)
    served: list[Sequence[float]] = []
    for question in questions:
        tokens = model.dish_tokens(question.menu(), FIELDS)
        served.append(scoring.score_question(model, tokens, question.question()))
    return canary.why_wrong(questions, served)


def _changed(adapter: Path, folder: Path, file: str, name: str, factor: float) -> Path:
    """A copy of the adapter in which one tensor is multiplied."""
    shutil.copytree(adapter, folder)
    tensors = load_file(folder / file)
    tensors[name] = tensors[name] * factor
    save_file(tensors, folder / file, metadata={"format": "pt"})
    return folder


def test_an_adapter_that_is_served_as_it_was_trained_passes(trained: Path, small_base: Path) -> None:
    assert _why_wrong(trained, small_base, trained / "served" / "adapter") is None


def test_any_single_module_left_out_is_noticed(trained: Path, small_base: Path, tmp_path: Path) -> None:
    names = [name for name in load_file(trained / "served" / "adapter" / WEIGHTS) if "lora_B" in name]
    assert len(names) == 4
    for number, name in enumerate(names):
        without = _changed(trained / "served" / "adapter", tmp_path / str(number), WEIGHTS, name, 0.0)
        assert "off the version's" in str(_why_wrong(trained, small_base, without)), name


def test_any_changed_tensor_of_the_head_is_noticed(trained: Path, small_base: Path, tmp_path: Path) -> None:
    head = load_file(trained / "served" / "adapter" / HEAD_FILE)
    for number, name in enumerate(name for name, tensor in head.items() if bool(tensor.any())):
        other = _changed(trained / "served" / "adapter", tmp_path / str(number), HEAD_FILE, name, 0.5)
        assert "off the version's" in str(_why_wrong(trained, small_base, other)), name


def test_the_canary_asks_every_kind_of_line_and_names_nobody(trained: Path) -> None:
    histories = [question.history for question in _questions(trained)]
    lines = {(verdict, rating is None) for history in histories for _, verdict, rating in history}
    assert lines == {(LIKED, True), (DISLIKED, True), (LIKED, False), (NEUTRAL, False), (DISLIKED, False)}
    assert {question.question().person_id for question in _questions(trained)} == {canary.PERSON}
    assert min(map(len, histories)) == 0
