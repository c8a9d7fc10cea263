"""Training is seeded and learns, touches nothing but the adapter, and merging changes no score."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from components.domain.errors import StageFailed
from components.domain.language_model import LanguageModel
from components.domain.packing import pack
from components.domain.params import CandidateParams
from components.domain.records import Comparison, Dish
from components.integrations import adapters, base_models, finetuning, scoring

CANDIDATE = CandidateParams(
    rank=4,
    alpha=8,
    targets=("q_proj", "v_proj", "down_proj"),
    layers=(0, 2),
    learning_rate=0.01,
    warmup_share=0.1,
    comparisons=12,
)
MERGE_TOLERANCE = 1e-4  # logits, float32


def _train(
    folder: Path,
    base: Path,
    dishes: dict[str, Dish],
    comparisons: list[Comparison],
    dtype: torch.dtype = torch.float32,
) -> list[float]:
    model = base_models.load(base, dtype, torch.device("cpu"))
    adapted = adapters.attach(model.network, CANDIDATE, 7)
    tokens = model.dish_tokens(dishes, ("name", "tags"))
    losses: list[float] = []
    rows = pack(finetuning.sample(comparisons, 12, 7), tokens, 128) * 12
    finetuning.fit(model, rows, CANDIDATE, 2, lambda step: losses.append(step.loss))
    adapters.save(adapted, folder, "small")
    return losses


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_learns(
    small_base: Path,
    tmp_path: Path,
    dishes: dict[str, Dish],
    comparisons: list[Comparison],
    dtype: torch.dtype,
) -> None:
    losses = _train(tmp_path, small_base, dishes, comparisons, dtype)
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])


def test_training_twice_gives_the_same_two_files_byte_for_byte(
    small_base: Path, tmp_path: Path, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    for name in ("one", "two"):
        _train(tmp_path / name, small_base, dishes, comparisons)
    assert sorted(file.name for file in (tmp_path / "one").iterdir()) == [adapters.CONFIG, adapters.WEIGHTS]
    for name in (adapters.CONFIG, adapters.WEIGHTS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_fresh_adapter_changes_no_score_and_training_no_base_weight(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    tokens = small_model.dish_tokens(dishes, ("name",))
    before = scoring.score(small_model, tokens, comparisons, 256, "")
    weights = {name: weight.clone() for name, weight in small_model.network.named_parameters()}
    adapted = adapters.attach(small_model.network, CANDIDATE, 7)
    after = scoring.score(small_model, tokens, comparisons, 256, "")
    for key in before:
        assert before[key] == pytest.approx(after[key], abs=1e-6)
    finetuning.fit(small_model, pack(comparisons, tokens, 256), CANDIDATE, 1, str)
    trained = {
        name.removeprefix("base_model.model.").replace(".base_layer", ""): weight
        for name, weight in adapted.named_parameters()
    }
    for name, weight in weights.items():
        assert torch.equal(weight, trained[name])


def test_reloaded_and_merged_scores_equal_the_adapters_own_and_differ_from_the_bases(
    small_base: Path, tmp_path: Path, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    _train(tmp_path / "adapter", small_base, dishes, comparisons)

    def scores(kind: str) -> dict[str, list[float]]:
        model = base_models.load(small_base, torch.float32, torch.device("cpu"))
        if kind == "adapter":
            adapters.load(model.network, tmp_path / "adapter")
        if kind == "merged":
            base_models.save(
                adapters.merged(model.network, tmp_path / "adapter"),
                model.tokenizer,
                tmp_path / kind,
                torch.float32,
            )
            model = base_models.load(tmp_path / kind, torch.float32, torch.device("cpu"))
        tokens = model.dish_tokens(dishes, ("name", "tags"))
        return {key: list(value) for key, value in scoring.score(model, tokens, comparisons, 256, "").items()}

    base, adapter, merged = scores("base"), scores("adapter"), scores("merged")
    for key in adapter:
        assert merged[key] == pytest.approx(adapter[key], abs=MERGE_TOLERANCE)
    assert max(abs(a - b) for key in base for a, b in zip(base[key], adapter[key], strict=True)) > 0.5


def test_the_sample_is_whole_people_and_depends_on_the_seed_alone(comparisons: list[Comparison]) -> None:
    taken = {each.key for each in finetuning.sample(comparisons, 5, 3)}
    assert len(taken) == 8
    assert len({key.split("-")[0] for key in taken}) == 2
    assert taken == {each.key for each in finetuning.sample(comparisons[::-1], 5, 3)}
    samples = {frozenset(each.key for each in finetuning.sample(comparisons, 4, seed)) for seed in range(9)}
    assert len(samples) == 3  # every person comes first for some seed


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_folder_without_a_whole_adapter_is_refused(
    small_model: LanguageModel, tmp_path: Path, content: bytes | None
) -> None:
    if content:
        (tmp_path / adapters.WEIGHTS).write_bytes(content)
    with pytest.raises(StageFailed, match="holds no adapter"):
        adapters.load(small_model.network, tmp_path)


def test_modules_that_the_base_lacks_are_named(small_model: LanguageModel) -> None:
    wrong = CANDIDATE.model_copy(update={"targets": ("no_such_proj",)})
    with pytest.raises(StageFailed, match="no_such_proj"):
        adapters.attach(small_model.network, wrong, 0)


@pytest.mark.parametrize("spec", ["package:no-such-package", "package:pytest", "no/such-hub-model"])
def test_a_base_that_cannot_be_loaded_is_one_sentence(tmp_path: Path, spec: str) -> None:
    with pytest.raises(StageFailed, match=r"base\.model"):
        base_models.materialise(spec, tmp_path / "base")
    assert not (tmp_path / "base" / base_models.MARKER).exists()


def test_a_materialised_base_is_left_alone_and_another_replaces_it(small_base: Path, tmp_path: Path) -> None:
    made = base_models.materialise(str(small_base), tmp_path)
    written = (tmp_path / "model.safetensors").stat().st_mtime_ns
    assert base_models.materialise(str(small_base), tmp_path) == made
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == written
