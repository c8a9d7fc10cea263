"""The whole night on the real base model: tastes that only the meaning of words tells, and their release."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.clones import Done, make_clone, run_night, state_of


@pytest.mark.slow
def test_a_taste_that_only_meaning_shows_passes_the_gate_and_is_released(
    prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone")  # the base model is made on the way
    night = run_night(clone, "--data", "data/sample/tastes", env=prefect | {"OMP_NUM_THREADS": "2"})
    assert night.returncode == 0, night.stderr
    evaluation = Done(clone, night).evaluation
    models, gate = evaluation["models"], evaluation["gate"]
    assert gate["decision"] == "pass", gate["reason"]
    for rule in ("popularity", "usual", "tag-affinity", "content-history", "stacked-rules"):
        assert models[rule]["pair_accuracy"]["mean"] == 0.5
    assert models["head"]["pair_accuracy"]["low"] > models["base-cosine"]["pair_accuracy"]["mean"]
    assert state_of(clone)["aliases"] == [("challenger", 1), ("champion", 1)]
    assert "palate:v1-" in night.stdout
