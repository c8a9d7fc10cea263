"""A night says how the scores that people were served are spread beside those that were registered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from components.domain.exposures import Exposure, Shown
from components.domain.records import Dish
from components.domain.verdict.score_shift import ScoreReference, Spread
from components.integrations.service_store import ServiceStore
from flows.steps.registration import SCORES
from tests.flows.clones import Done, copy_of, run_night

PEOPLE = 260


def _drawn(spread: Spread, rng: np.random.Generator) -> Iterator[float]:
    """Numbers that are spread like those of a reference."""
    bounds = [spread.edges[0] - 1, *spread.edges, spread.edges[-1] + 1]
    while True:
        part = rng.choice(len(spread.shares), p=np.array(spread.shares) / sum(spread.shares))
        yield float(rng.uniform(bounds[part] + 1e-9, bounds[part + 1] - 1e-9))


def _serve(store: ServiceStore, reference: ScoreReference, further: float) -> None:
    """Stores an answer for each of many people: scores as held out, and that much further up."""
    rng, at = np.random.default_rng(1), datetime.now(UTC) - timedelta(hours=30)
    scores = zip(_drawn(reference.best, rng), _drawn(reference.margin, rng), range(PEOPLE), strict=False)
    for best, margin, number in scores:
        dishes = (
            Shown(Dish("a", "x"), best + further, 1.0),
            Shown(Dish("b", "y"), best + further - margin, 1.0),
        )
        name = f"{further}/{number}"
        moment = at + timedelta(hours=further)
        exposure = Exposure(name, f"p{number}", moment, dishes, "{}", "1", "x", reference.least_ranked)
        store.add_exposure(exposure)


@pytest.mark.slow
def test_scores_as_held_out_are_told_and_shifted_ones_are_an_alarm(
    night: Done, prefect: dict[str, str], tmp_path: Path
) -> None:
    assert "served scores" not in night.first.stdout  # nobody was served yet
    clone = copy_of(night.clone, tmp_path / "clone")
    client = MlflowClient(f"sqlite:///{clone / '.palate/mlflow.db'}")
    version = client.get_model_version("palate", "1")
    reference = ScoreReference.from_text(version.tags[SCORES])
    assert version.tags["registered_at"].startswith("20")
    assert 2 <= reference.least_ranked <= reference.most_ranked
    store, alarms = ServiceStore(f"sqlite:///{clone / '.palate/service.db'}"), clone / ".palate/alarms.jsonl"

    _serve(store, reference, 0)
    same = run_night(clone, env=prefect)
    assert same.returncode == 0, same.stderr
    assert "Version 1's best scores lie 0." in same.stdout
    assert "from what was held out, their leads over the second 0." in same.stdout
    assert "WARNING: Version 1" not in same.stdout
    assert "scores shifted" not in (alarms.read_text() if alarms.exists() else "")

    _serve(store, reference, 20)
    shifted = run_night(clone, env=prefect)
    assert shifted.returncode == 0, shifted.stderr
    assert f"{PEOPLE} people)" in shifted.stdout
    assert "WARNING: Version 1's best scores lie" in shifted.stdout
    lines = [json.loads(line) for line in alarms.read_text().splitlines()]
    (sentence,) = [alarm["sentence"] for alarm in lines if alarm["kind"] == "scores shifted"]
    assert sentence.endswith("more than 0.2 is large.")
    history = client.get_metric_history(str(version.run_id), "served_score_shift")
    values = [metric.value for metric in sorted(history, key=lambda metric: metric.timestamp)]
    assert [value > 0.2 for value in values] == [False, True]
