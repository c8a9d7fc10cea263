"""Whole nights on the real base: tastes that only meaning tells, dishes new to everybody, a home of three."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scipy.stats import binom

from tests.flows.clones import Done, make_clone, run_flows, run_night, state_of


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


@pytest.mark.slow
def test_dishes_that_are_new_to_everybody_are_ranked_by_what_their_names_mean(
    prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone")
    night = run_night(clone, "--data", "data/sample/new-dishes", env=prefect | {"OMP_NUM_THREADS": "2"})
    assert night.returncode == 0, night.stderr
    evaluation = Done(clone, night).evaluation
    accuracy = {name: row["pair_accuracy"]["mean"] for name, row in evaluation["models"].items()}
    for rule in ("popularity", "usual", "item-knn", "matrix-factorisation"):
        assert accuracy[rule] == 0.5  # nobody's opinion of a hidden dish is read anywhere
    rules = [name for name, row in evaluation["models"].items() if row["kind"] == "rule"]
    assert {"factors-on-words", "factors-on-tags", "mean-by-words", "stacked-rules"} <= set(rules)
    assert accuracy["factors"] > max(accuracy[rule] for rule in rules)
    assert "people and dishes, held out" in evaluation["gate"]["reason"]
    beside = evaluation["slices"]["new dishes against ones that training read"]
    assert beside["factors"]["mean"] > beside["item-knn"]["mean"]
    (better,) = re.findall(r"^people +(\d+) of 200 ranked better than chance", night.stdout, re.MULTILINE)
    assert int(better) > binom.ppf(0.999, 200, 0.05)


@pytest.mark.slow
def test_a_home_of_three_is_served_and_told_what_would_decide(
    prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone")
    night = run_night(clone, "--data", "data/sample/home", env=prefect | {"OMP_NUM_THREADS": "2"})
    assert night.returncode == 0, night.stderr
    assert "0 failed, 0 warned" in night.stdout
    assert "no new day of 30 people yet (at least 10)" in night.stdout
    assert "BEST, not promoted; built tonight" in night.stdout
    held_out = night.stdout.partition("held out, per person")[2].partition("* candidate")[0]
    assert "seeded subset" not in night.stdout  # all rows are of all three
    assert held_out.count("(unknown)") == len(held_out.splitlines()) - 3  # all rows but the best candidate's
    planned = run_flows(clone, "plan", "--meals", "breakfast,main", "ada,ben,cleo")
    assert planned.returncode == 0, planned.stderr
    heading, *days = planned.stdout.partition("\n\n")[0].splitlines()
    assert heading.split() == ["day", "breakfast", "main"]
    assert len(days) == 7
    answer = re.search(r"^ben: likes it 0\.\d\d.*; answer (palate:best-v2-.*)$", planned.stdout, re.MULTILINE)
    assert answer, planned.stdout
    lineage = run_flows(clone, "lineage", answer[1], "--person", "ben")
    assert lineage.returncode == 0, lineage.stderr
    refused = run_flows(clone, "plan", "--days", "400", "ada")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 2)  # the next step, and one sentence
    assert "The plan was refused: " in refused.stderr
