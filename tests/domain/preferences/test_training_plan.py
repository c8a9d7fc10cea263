"""What a night reads: everything, or its news and a sample of what the champion knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from components.domain.params import CandidateParams, TrainParams
from components.domain.params_file import read_params
from components.domain.preferences.training_plan import (
    Training,
    from_scratch,
    from_start,
    whole_people,
    why_from_scratch,
)
from components.domain.records import Comparison
from tests.conftest import REPO


@pytest.fixture
def settings() -> TrainParams:
    return read_params(REPO / "params.yaml").train


@pytest.fixture
def candidate(settings: TrainParams) -> CandidateParams:
    return settings.candidates["vectors"]


def test_the_sample_is_whole_people_and_depends_on_the_seed_alone(comparisons: list[Comparison]) -> None:
    taken = {each.key for each in whole_people(comparisons, 5, 3)}
    assert len(taken) == 8
    assert len({key.split("-")[0] for key in taken}) == 2
    assert taken == {each.key for each in whole_people(comparisons[::-1], 5, 3)}
    samples = {frozenset(each.key for each in whole_people(comparisons, 4, seed)) for seed in range(9)}
    assert len(samples) == 3  # every person comes first for some seed


def _later(comparisons: list[Comparison], days: int) -> list[Comparison]:
    return [
        replace(each, key=f"{each.key}+{days}", at=each.at + timedelta(days=days)) for each in comparisons
    ]


def test_a_start_reads_all_news_once_and_a_share_of_the_old(
    settings: TrainParams, candidate: CandidateParams, comparisons: list[Comparison]
) -> None:
    made = from_scratch(comparisons, candidate, 1).training
    news = _later(comparisons[:3], 400)
    plan = from_start([*comparisons, *news], candidate, settings, made, "4")
    read = [each.key for each in plan.comparisons]
    assert len(read) == len(set(read))
    assert {each.key for each in news} < set(read)
    assert (plan.training.new, plan.training.replayed) == (3, min(9, len(comparisons)))
    assert plan.training.trained_until == max(each.at for each in news)
    assert plan.training.full_until == made.full_until
    assert plan.training.started_from == "4"
    assert plan.epochs == settings.incremental.epochs
    assert plan == from_start([*comparisons, *news], candidate, settings, made, "4")


def test_the_cost_of_a_start_follows_the_news_and_not_the_history(
    settings: TrainParams, candidate: CandidateParams, comparisons: list[Comparison]
) -> None:
    longer = [each for days in range(10) for each in _later(comparisons, days)]
    made = from_scratch(longer, candidate, 1).training
    news = _later(comparisons[:2], 400)
    some = from_start([*comparisons, *news], candidate, settings, made, "1")
    more = from_start([*longer, *news], candidate, settings, made, "1")
    assert len(some.comparisons) == len(more.comparisons)


def test_what_made_an_adapter_survives_json(
    candidate: CandidateParams, comparisons: list[Comparison]
) -> None:
    made = from_scratch(comparisons, candidate, 1).training
    assert Training.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("change", "split_by", "champion", "days", "full", "why"),
    [
        ({}, "time", True, 1, False, ""),
        ({}, "time", True, 7, False, "last full training"),
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
    why: str,
) -> None:
    changed = settings.model_copy(update={"incremental": settings.incremental.model_copy(update=change)})
    made = from_scratch(comparisons, candidate, 1).training
    newest = made.full_until + timedelta(days=days)
    said = why_from_scratch(changed, split_by, made if champion else None, "", newest, full=full)
    assert why in said
    assert bool(why) == bool(said)


def test_weights_of_another_base_or_prompt_are_no_start(
    settings: TrainParams, candidate: CandidateParams, comparisons: list[Comparison]
) -> None:
    made = from_scratch(comparisons, candidate, 1).training
    for changed in ("base", "prompt"):
        said = why_from_scratch(settings, "time", made, changed, made.full_until, full=False)
        assert said == f"the champion was trained with another {changed}"
