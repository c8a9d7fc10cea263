"""The whole night on the real base model: tastes that only the meaning of words tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.clones import Done, make_clone, run_night, state_of
from tests.flows.meaning import write_inbox


@pytest.mark.slow
def test_a_taste_that_only_meaning_shows_passes_the_gate_on_the_real_base(
    prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone")  # the base model is made on the way
    write_inbox(tmp_path / "inbox", days=10)
    night = run_night(clone, "--data", str(tmp_path / "inbox"), env=prefect | {"OMP_NUM_THREADS": "2"})
    assert night.returncode == 0, night.stderr
    evaluation = Done(clone, night).evaluation
    models, gate = evaluation["models"], evaluation["gate"]
    assert gate["decision"] == "pass", gate["reason"]
    assert models["content-history"]["pair_accuracy"]["mean"] == 0.5
    assert models["stacked-rules"]["pair_accuracy"]["mean"] == 0.5
    assert models["reader"]["pair_accuracy"]["low"] > 0.6
    assert state_of(clone)["aliases"] == [("challenger", 1), ("champion", 1)]
    assert "palate:v1-" in night.stdout
