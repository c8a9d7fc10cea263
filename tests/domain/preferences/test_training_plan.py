"""What a training reads: everything, or its news and a sample of what the champion has read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from components.domain.params_file import read_params
from components.domain.preferences.from_records import comparison_table
from components.domain.preferences.training_plan import (
    EPOCHS,
    Training,
    from_scratch,
    from_start,
    whole_people,
    why_from_scratch,
)
from components.domain.records import Comparison
from components.domain.training_params import CandidateParams, TrainParams
from tests.conftest import REPO


@pytest.fixture
def settings() -> TrainParams:
    train = read_params(REPO / "params.yaml").train
    return train.model_copy(update={"incremental": train.incremental.model_copy(update={"min_new": 2})})


@pytest.fixture
def candidate(settings: TrainParams) -> CandidateParams:
    return settings.candidates["vectors"]


def test_the_sample_is_whole_people_and_depends_on_the_seed_alone(comparisons: list[Comparison]) -> None:
    def keys(comparisons: list[Comparison], budget: int, seed: int) -> set[str]:
        return set(whole_people(comparison_table(comparisons), budget, seed).key)

    chosen = keys(comparisons, 5, 3)
    assert len(chosen) == 8
    assert len({key.split("-")[0] for key in chosen}) == 2
    assert chosen == keys(comparisons[::-1], 5, 3)
    assert len({frozenset(keys(comparisons, 4, seed)) for seed in range(9)}) == 3  # all come first


def _later(comparisons: list[Comparison], days: int) -> list[Comparison]:
    return [
        replace(comparison, key=f"{comparison.key}+{days}", at=comparison.at + timedelta(days=days))
        for comparison in comparisons
    ]


def test_a_start_reads_all_news_once_and_a_share_of_the_old(
    settings: TrainParams, candidate: CandidateParams, comparisons: list[Comparison]
) -> None:
    start = from_scratch(comparison_table(comparisons), candidate, 1).training
    news = _later(comparisons[:3], 400)
    both = comparison_table([*comparisons, *news])
    plan = from_start(both, candidate, settings, start, "4")
    keys = plan.comparisons.key.tolist()
    assert len(keys) == len(set(keys))
    assert {each.key for each in news} < set(keys)
    assert (plan.training.new, plan.training.replayed) == (3, min(9, len(comparisons)))
    assert plan.training.trained_until == max(each.at for each in news)
    assert plan.training.full_until == start.full_until
    assert plan.training.started_from == "4"
    assert plan.epochs == EPOCHS
    again = from_start(both, candidate, settings, start, "4")
    assert (again.training, again.comparisons.key.tolist()) == (plan.training, keys)


def test_too_few_news_leave_the_start_as_it_is_and_count_the_next_night(
    settings: TrainParams, candidate: CandidateParams, comparisons: list[Comparison]
) -> None:
    start = from_scratch(comparison_table(comparisons), candidate, 1).training
    news = _later(comparisons[:2], 400)
    first = from_start(comparison_table([*comparisons, news[0]]), candidate, settings, start, "4")
    assert (len(first.comparisons), first.epochs, first.training.new) == (0, 0, 0)
    assert first.training.trained_until == start.trained_until
    assert first.training.started_from == "4"
    second = from_start(comparison_table([*comparisons, *news]), candidate, settings, first.training, "4")
    assert second.training.new == 2


def test_the_cost_of_a_start_follows_the_news_and_not_the_history(
    settings: TrainParams, candidate: CandidateParams, comparisons: list[Comparison]
) -> None:
    longer = [comparison for days in range(10) for comparison in _later(comparisons, days)]
    start = from_scratch(comparison_table(longer), candidate, 1).training
    news = _later(comparisons[:2], 400)
    some = from_start(comparison_table([*comparisons, *news]), candidate, settings, start, "1")
    more = from_start(comparison_table([*longer, *news]), candidate, settings, start, "1")
    assert len(some.comparisons) == len(more.comparisons)


def test_the_description_of_a_training_survives_json(
    candidate: CandidateParams, comparisons: list[Comparison]
) -> None:
    training = from_scratch(comparison_table(comparisons), candidate, 1).training
    assert Training.from_json(training.to_json()) == training


@pytest.mark.parametrize(
    ("change", "split_by", "champion", "days", "full", "why"),
    [
        ({}, "time", True, 1, False, None),
        ({}, "time", True, 7, False, "last full training"),
        ({}, "time", True, 0, False, None),
        ({}, "time", True, -1, False, "later than tonight's training"),
        ({}, "time", True, 1, True, "asked for"),
        ({}, "time", False, 1, False, "no champion"),
        ({}, "within_person", True, 1, False, "within_person"),
        ({"enabled": False}, "time", True, 1, False, "enabled is false"),
    ],
)
def test_every_reason_for_a_full_training_is_said(
    settings: TrainParams,
    candidate: CandidateParams,
    comparisons: list[Comparison],
    change: dict[str, bool],
    split_by: str,
    champion: bool,
    days: int,
    full: bool,
    why: str | None,
) -> None:
    changed = settings.model_copy(update={"incremental": settings.incremental.model_copy(update=change)})
    start = from_scratch(comparison_table(comparisons), candidate, 1).training
    newest = start.full_until + timedelta(days=days)
    reason = why_from_scratch(changed, split_by, start if champion else None, None, newest, full=full)
    assert reason is None if why is None else why in str(reason)


def test_weights_of_another_base_or_prompt_are_no_start(
    settings: TrainParams, candidate: CandidateParams, comparisons: list[Comparison]
) -> None:
    start = from_scratch(comparison_table(comparisons), candidate, 1).training
    for changed in ("base", "prompt"):
        reason = why_from_scratch(settings, "time", start, changed, start.full_until, full=False)
        assert reason == f"the champion was trained with another {changed}"
