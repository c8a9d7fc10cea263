"""Training is seeded and learns, touches nothing but the adapter, and merging changes no score."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from components.domain.errors import BadParams, NotFound, StageFailed
from components.domain.params_file import read_params
from components.domain.preferences.arrays import Floats
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import of_everything, whole_people
from components.domain.ranker.artifacts import HEAD_FILE
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DishTokens
from components.domain.records import LIKED, Comparison, Dish, Past
from components.domain.training_params import CandidateParams, VectorParams
from components.domain.verdict.metrics import comparison_metrics
from components.integrations import adapters, base_models, finetuning, scoring, tuned_weights
from components.stages.train import train
from tests.conftest import REPO

CANDIDATE = CandidateParams(
    rank=4,
    alpha=8,
    targets=("q_proj", "v_proj", "down_proj"),
    layers=(1, 2),
    learning_rate=0.02,
    warmup_share=0.1,
    comparisons=12,
    epochs=12,
    vectors=VectorParams(size=4, learning_rate=0.1, weight_decay=0.1, comparisons_per_step=8),
)
HEAD_ALONE = CANDIDATE.model_copy(update={"method": "none"})
HEADS = pytest.mark.parametrize("candidate", [CANDIDATE, HEAD_ALONE], ids=["vectors", "head alone"])
MERGE_TOLERANCE = 1e-4  # logits, float32


@dataclass(frozen=True)
class Data:
    """A base, and comparisons of dishes to train it on."""

    base: Path
    dishes: dict[str, Dish]
    comparisons: list[Comparison]

    def model(self, dtype: torch.dtype = torch.float32) -> LanguageModel:
        return base_models.load(self.base, dtype, torch.device("cpu"))

    def tokens(self, model: LanguageModel) -> DishTokens:
        return model.dish_tokens(self.dishes, ("name", "tags"), 100)

    def train(
        self, folder: Path, candidate: CandidateParams, dtype: torch.dtype = torch.float32
    ) -> list[float]:
        """Trains and saves a candidate; returns the loss of every step."""
        model = self.model(dtype)
        adapted = adapters.attach(model.network, candidate, 7)
        people = whole_people(comparison_table(self.comparisons), len(self.comparisons), 7)
        losses = _fit(model, self.tokens(model), people, candidate, candidate.epochs)
        adapters.save(adapted, model.head, folder, "small")
        return losses


@pytest.fixture
def data(small_base: Path, dishes: dict[str, Dish], comparisons: list[Comparison]) -> Data:
    return Data(small_base, dishes, comparisons)


def _fit(
    model: LanguageModel, tokens: DishTokens, train: Comparisons, candidate: CandidateParams, epochs: int
) -> list[float]:
    """The loss of every step."""
    steps: list[finetuning.Step] = []
    plan = of_everything(train, candidate).with_epochs(epochs)
    finetuning.fit(model, tokens, plan, RatingScale(), candidate, 7, steps.append)
    return [step.loss for step in steps]


@HEADS
def test_training_twice_gives_the_same_files_byte_for_byte(
    data: Data, tmp_path: Path, candidate: CandidateParams
) -> None:
    for name in ("one", "two"):
        data.train(tmp_path / name, candidate)
    files = [adapters.CONFIG, adapters.WEIGHTS, HEAD_FILE]
    assert sorted(file.name for file in (tmp_path / "one").iterdir()) == files
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_twice_on_two_threads_gives_the_same_weights(
    data: Data, tmp_path: Path, dtype: torch.dtype
) -> None:
    draw = random.Random(0)
    many = [  # so many that torch divides the gathering of their vectors among threads
        replace(
            comparison,
            key=f"{comparison.key}/{copy}",
            history=tuple(Past(dish, LIKED) for dish in draw.choices(sorted(data.dishes), k=12)),
        )
        for copy in range(200)
        for comparison in data.comparisons
    ]
    vectors = VectorParams(size=4, learning_rate=0.1, weight_decay=0.1, comparisons_per_step=len(many))
    candidate = CANDIDATE.model_copy(update={"vectors": vectors, "epochs": 3})
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for name in "one", "two", "three":
            replace(data, comparisons=many).train(tmp_path / name, candidate, dtype)
    finally:
        torch.set_num_threads(threads)
    for name in "two", "three":
        for file in adapters.WEIGHTS, HEAD_FILE:
            assert (tmp_path / "one" / file).read_bytes() == (tmp_path / name / file).read_bytes()


def test_a_fresh_adapter_changes_no_score_and_training_no_base_weight(
    small_model: LanguageModel, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    tokens, table = small_model.dish_tokens(dishes, ("name",), 100), comparison_table(comparisons)
    before = scoring.score(small_model, tokens, table)
    weights = {name: weight.clone() for name, weight in small_model.network.named_parameters()}
    adapted = adapters.attach(small_model.network, CANDIDATE, 7)
    assert before == pytest.approx(scoring.score(small_model, tokens, table), abs=1e-6)
    _fit(small_model, tokens, table, CANDIDATE, 1)
    trained = {
        name.removeprefix("base_model.model.").replace(".base_layer", ""): weight
        for name, weight in adapted.named_parameters()
    }
    for name, weight in weights.items():
        assert torch.equal(weight, trained[name])


@pytest.mark.parametrize("method", ["lora", "rslora", "dora", "full"])
@HEADS
def test_reloaded_and_merged_scores_equal_the_adapters_own_and_differ_from_the_bases(
    data: Data, tmp_path: Path, candidate: CandidateParams, method: str
) -> None:
    data.train(tmp_path, candidate.model_copy(update={"method": method}))

    def scores(load: Callable[[LanguageModel, Path], object]) -> Floats:
        model = data.model()
        load(model, tmp_path)
        return scoring.score(model, data.tokens(model), comparison_table(data.comparisons))

    base, adapter, merged = map(scores, (adapters.load_head, adapters.load, tuned_weights.add))
    assert merged == pytest.approx(adapter, abs=MERGE_TOLERANCE)
    assert np.abs(base - adapter).max() > 0.1


@pytest.mark.parametrize("method", ["lora", "full"])
def test_an_adapter_of_a_deeper_base_is_not_merged(data: Data, tmp_path: Path, method: str) -> None:
    candidate = CANDIDATE.model_copy(update={"method": method})
    adapters.save(adapters.attach(data.model().network, candidate, 7), None, tmp_path, "small")
    tensors = load_file(tmp_path / adapters.WEIGHTS)
    renamed = {name.replace("layers.1.", "layers.9."): tensor for name, tensor in tensors.items()}
    save_file(renamed, tmp_path / adapters.WEIGHTS)
    with pytest.raises(StageFailed, match=r"trained on another base, which has '.*layers\.9\."):
        tuned_weights.add(data.model(), tmp_path)


@HEADS
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_training_puts_the_chosen_dish_first(
    data: Data, tmp_path: Path, candidate: CandidateParams, dtype: torch.dtype
) -> None:
    losses = data.train(tmp_path, candidate.model_copy(update={"epochs": 30}), dtype)
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    model, table = data.model(), comparison_table(data.comparisons)
    adapters.load(model, tmp_path)
    scores = scoring.score(model, data.tokens(model), table)
    assert comparison_metrics(scores, table)[:, 1].mean() > 0.6


@HEADS
def test_training_goes_on_from_a_saved_adapter_and_its_head(
    data: Data, tmp_path: Path, candidate: CandidateParams
) -> None:
    last, model = data.train(tmp_path, candidate)[-1], data.model()
    adapters.resume(model, candidate, tmp_path)
    assert model.head
    before = {name: weight.clone() for name, weight in model.head.tensors().items()}
    losses = _fit(model, data.tokens(model), comparison_table(data.comparisons), candidate, 2)
    assert torch.equal(model.head.tensors()["spread"], before["spread"])
    assert not torch.equal(model.head.tensors()["gains"], before["gains"])
    assert losses[0] < last + 0.3
    trained = {name for name, weight in model.network.named_parameters() if weight.requires_grad}
    assert bool(trained) is (candidate.method != "none")
    assert all("lora_" in name for name in trained)


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_folder_without_a_whole_adapter_is_refused(
    small_model: LanguageModel, tmp_path: Path, content: bytes | None
) -> None:
    if content:
        (tmp_path / adapters.WEIGHTS).write_bytes(content)
    with pytest.raises(StageFailed, match="holds no adapter"):
        adapters.load(small_model, tmp_path)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_layers_beyond_the_base_are_named(small_model: LanguageModel, method: str) -> None:
    candidate = CANDIDATE.model_copy(update={"layers": (1, 5), "method": method})
    with pytest.raises(BadParams, match=r"The base model has 2 layers .* \[1, 5\]"):
        adapters.attach(small_model.network, candidate, 7)


def test_a_candidate_that_params_do_not_name_is_one_sentence() -> None:
    with pytest.raises(NotFound, match=r"There is no candidate 'nope': .* has factors, vectors\."):
        train(read_params(REPO / "params.yaml"), "nope")


@HEADS
def test_a_training_that_diverges_ends_with_a_sentence(
    data: Data, tmp_path: Path, candidate: CandidateParams
) -> None:
    vectors = candidate.vectors and candidate.vectors.model_copy(update={"learning_rate": 1e30})
    wild = candidate.model_copy(update={"learning_rate": 1e30, "warmup_share": 0.0, "vectors": vectors})
    with pytest.raises(StageFailed, match=r"loss became (nan|inf) at step \d+"):
        data.train(tmp_path, wild)
    assert not torch.are_deterministic_algorithms_enabled()
    assert not (tmp_path / adapters.WEIGHTS).exists()


def test_modules_that_the_base_lacks_are_named(small_model: LanguageModel) -> None:
    wrong = CANDIDATE.model_copy(update={"targets": ("no_such_proj",)})
    with pytest.raises(BadParams, match="no_such_proj"):
        adapters.attach(small_model.network, wrong, 0)


@pytest.mark.parametrize("spec", ["package:no-such-package", "package:pytest", "no/such-hub-model"])
def test_a_base_that_cannot_be_loaded_is_one_sentence(tmp_path: Path, spec: str) -> None:
    with pytest.raises(StageFailed, match=r"base\.model"):
        base_models.materialise(spec, tmp_path / "base")
    assert not (tmp_path / "base" / base_models.MARKER).exists()


def test_a_materialised_base_is_left_alone_and_another_replaces_it(small_base: Path, tmp_path: Path) -> None:
    first = base_models.materialise(str(small_base), tmp_path)
    written = (tmp_path / "model.safetensors").stat().st_mtime_ns
    assert base_models.materialise(str(small_base), tmp_path) == first
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == written


def test_each_epoch_is_every_batch_once_in_another_order() -> None:
    batches = [finetuning.Batch(torch.clone, torch.tensor(0), torch.tensor(at)) for at in range(12)]
    epochs = finetuning._in_epochs(batches, 5, 7)
    orders = [tuple(int(batch.chosen) for batch in epoch) for epoch in epochs]
    assert all(sorted(order) == list(range(12)) for order in orders)
    assert len(set(orders)) == 5
    assert epochs == finetuning._in_epochs(batches, 5, 7) != finetuning._in_epochs(batches, 5, 8)
