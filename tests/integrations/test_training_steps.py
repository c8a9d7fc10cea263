"""Steps of a training: gradients kept for later are the right ones, and news move a model by their number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from components.domain.params_file import read_params
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.strengths import RatingScale
from components.domain.preferences.training_plan import Plan, from_start, of_everything
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import Comparison, Dish
from components.domain.training_params import CandidateParams, VectorParams
from components.integrations import adapters, base_models, finetuning, scoring
from components.integrations.comparison_files import SplitFiles
from components.stages.epochs import choose_epochs
from tests.conftest import REPO

CANDIDATE = CandidateParams(
    rank=4, alpha=8, targets=("q_proj", "down_proj"), layers=(0, 2), learning_rate=0.01, warmup_share=0.0,
    comparisons=12, epochs=8,
    vectors=VectorParams(size=4, learning_rate=0.1, weight_decay=0.1, comparisons_per_step=4),
)  # fmt: skip
PARAMS = read_params(REPO / "params.yaml")


def _candidate(**changes: object) -> CandidateParams:
    assert CANDIDATE.vectors
    return CANDIDATE.model_copy(update={"vectors": CANDIDATE.vectors.model_copy(update=changes)})


def _start(base: Path, candidate: CandidateParams) -> LanguageModel:
    model = base_models.load(base, torch.float32, torch.device("cpu"))
    model.network = adapters.attach(model.network, candidate, 7)
    return model


def _fitted(base: Path, dishes: dict[str, Dish], plan: Plan, candidate: CandidateParams) -> LanguageModel:
    model = _start(base, candidate)
    tokens = model.dish_tokens(dishes, ("name", "tags"), 100)
    finetuning.fit(model, tokens, plan, RatingScale(), candidate, PARAMS.train.seed, lambda _step: None)
    return model


@pytest.mark.parametrize("candidate", [CANDIDATE, CANDIDATE.model_copy(update={"method": "none"})])
def test_vectors_read_by_the_tuned_layers_alone_score_as_those_read_by_all_layers(
    small_base: Path, dishes: dict[str, Dish], comparisons: list[Comparison], candidate: CandidateParams
) -> None:
    table, epochs = comparison_table(comparisons), list[float]()
    model = _start(small_base, candidate)
    tokens = model.dish_tokens(dishes, ("name", "tags"), 100)

    def after_epoch() -> None:
        assert model.vectors
        remembered = scoring.score(model, tokens, table)
        model.vectors.clear()
        assert remembered == pytest.approx(scoring.score(model, tokens, table), abs=1e-4)
        epochs.append(float(remembered[0]))

    plan = of_everything(table, candidate).with_epochs(4)
    finetuning.fit(
        model, tokens, plan, RatingScale(), candidate, PARAMS.train.seed, lambda _step: None, after_epoch
    )
    assert len(set(epochs)) == 4  # each epoch changes the scores, so none are of earlier weights


def _weights(model: LanguageModel) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in model.network.parameters() if weight.requires_grad]


@pytest.mark.parametrize("size", [1, 3, 4, 12])
def test_one_step_on_shared_states_is_the_step_on_all_batches_at_once(
    small_base: Path, dishes: dict[str, Dish], comparisons: list[Comparison], size: int
) -> None:
    table = comparison_table(comparisons)
    assert len(table) == 12
    still = {"learning_rate": 1e-12, "adapter_steps": 1}  # the head stands still, so the batches see one head
    plan = of_everything(table, CANDIDATE).with_epochs(1)
    whole = _weights(_fitted(small_base, dishes, plan, _candidate(comparisons_per_step=12, **still)))
    parts = _weights(_fitted(small_base, dishes, plan, _candidate(comparisons_per_step=size, **still)))
    fresh = _weights(_start(small_base, CANDIDATE))
    for one, other in zip(whole, parts, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    assert any(not torch.equal(one, other) for one, other in zip(whole, fresh, strict=True))


def test_a_reading_serves_as_many_steps_of_the_head_as_the_settings_say(
    small_base: Path, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    table, steps = comparison_table(comparisons), list[finetuning.Step]()
    for most, readings in ((1, 1), (2, 2), (100, 12)):
        candidate = _candidate(comparisons_per_step=1, adapter_steps=most)
        model, plan = _start(small_base, candidate), of_everything(table, candidate).with_epochs(1)
        tokens = model.dish_tokens(dishes, ("name", "tags"), 100)
        finetuning.fit(model, tokens, plan, RatingScale(), candidate, PARAMS.train.seed, steps.append)
        alone = {past.dish_id for each in comparisons for past in each.history}
        alone |= {dish for each in comparisons for dish in each.dishes}
        assert steps[-1].step == 12
        assert steps[-1].tokens == readings * sum(len(tokens.alone(dish)) for dish in alone)


def test_news_move_a_model_by_their_number(
    small_base: Path, dishes: dict[str, Dish], comparisons: list[Comparison], tmp_path: Path
) -> None:
    table = comparison_table(comparisons)
    settings = PARAMS.train.model_copy(
        update={"incremental": PARAMS.train.incremental.model_copy(update={"min_new": 1, "replay": 0.0})}
    )
    newest = np.argsort(table.at, kind="stable")
    moved = {}
    for size in (12, 1200):  # the rates are meant for so many
        candidate = _candidate(comparisons_per_step=size)
        plan = of_everything(table.take(newest[:-1]), candidate).with_epochs(4)
        champion = _fitted(small_base, dishes, plan, candidate)
        adapters.save(champion.network, champion.head, tmp_path / str(size), "small")
        start = from_start(table, candidate, settings, plan.training, "1")
        assert start.training.new == 1
        model = base_models.load(small_base, torch.float32, torch.device("cpu"))
        adapters.resume(model, candidate, tmp_path / str(size))
        tokens = model.dish_tokens(dishes, ("name", "tags"), 100)
        before = scoring.score(model, tokens, table)
        finetuning.fit(model, tokens, start, RatingScale(), candidate, settings.seed, lambda _step: None)
        moved[size] = np.abs(scoring.score(model, tokens, table) - before).mean()
    assert 0 < moved[1200] < moved[12] / 20


def _scored_by(
    small_base: Path, dishes: dict[str, Dish], comparisons: list[Comparison], candidate: CandidateParams
) -> tuple[Plan, Plan, list[float]]:
    """The plan before and after its epochs were chosen, and the losses by which they were."""
    table, losses = comparison_table(comparisons), list[float]()
    split = SplitFiles(dishes, table, table.take([]), np.ones(len(table.log), bool))
    params = PARAMS.model_copy(update={"split": PARAMS.split.model_copy(update={"by": "within_person"})})
    plan = of_everything(table, candidate).with_epochs(candidate.epochs)
    chosen = choose_epochs(
        plan,
        lambda: _start(small_base, candidate),
        split,
        candidate,
        params,
        lambda _epoch, values: losses.append(values["held_back_loss"]),
    )
    return plan, chosen, losses


def test_as_many_epochs_are_trained_as_rank_people_best_that_were_held_back(
    small_base: Path, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    plan, chosen, losses = _scored_by(small_base, dishes, comparisons, CANDIDATE)
    assert len(losses) == plan.epochs == 8
    assert chosen.epochs == losses.index(min(losses)) + 1
    assert chosen.comparisons is plan.comparisons


def test_epochs_that_nothing_can_be_held_back_for_stay_as_they_are(
    small_base: Path, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    one = [each for each in comparisons if each.person_id == comparisons[0].person_id]
    plan, chosen, losses = _scored_by(small_base, dishes, one, CANDIDATE)
    assert (chosen, losses) == (plan, [])
    started = of_everything(comparison_table(comparisons), CANDIDATE)
    assert started.with_epochs(3).epochs == 3


def test_a_champion_that_is_kept_has_no_epochs_to_choose(
    small_base: Path, dishes: dict[str, Dish], comparisons: list[Comparison]
) -> None:
    table = comparison_table(comparisons)
    plan = from_start(table, CANDIDATE, PARAMS.train, of_everything(table, CANDIDATE).training, "1")
    assert len(plan.comparisons) == 0
    split = SplitFiles(dishes, table, table.take([]), np.ones(len(table.log), bool))
    assert choose_epochs(plan, lambda: _start(small_base, CANDIDATE), split, CANDIDATE, PARAMS) == plan
