"""Whole nights on the real base: tastes that only meaning tells, dishes new to everybody, a home of three."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from scipy.stats import binom

from components.domain.params_file import read_params
from components.integrations import base_models
from tests.conftest import REPO, once
from tests.flows.clones import Done, make_clone, run_flows, run_night, state_of

BEST = "Dish: {dish}. Its main ingredient is", 27  # what nights choose from their short list
OF_UNTUNED_ROWS = "A dish: {dish}.", 0  # which the table needs anyway


@pytest.fixture(scope="module")
def real_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real base, made as a night makes it."""
    model = read_params(REPO / "params.yaml").base.model
    return once(tmp_path_factory, "real-base", lambda folder: base_models.materialise(model, folder))


def _night(
    clone: Path, sample: str, prefect: dict[str, str], reading: tuple[str, int] = BEST, **settings: object
) -> subprocess.CompletedProcess[str]:
    """A night on a sample with less to compute: one thread, one reading, few comparisons of slow rows."""
    path = clone / sample / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["train"]["threads"] = 1
    for candidate in params["train"]["candidates"].values():
        candidate.get("factors", {}).update(zip(("template", "layer"), reading, strict=True))
    path.write_text(yaml.safe_dump(params | settings))
    return run_night(clone, "--data", sample, env=prefect)


@pytest.mark.slow
def test_a_taste_that_only_meaning_shows_passes_the_gate_and_is_released(
    real_base: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone", real_base)
    night = _night(clone, "data/sample/tastes", prefect, evaluate={"subset": 120})  # the gate judges by them
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
    real_base: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone", real_base)
    night = _night(clone, "data/sample/new-dishes", prefect, evaluate={"subset": 12})
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
    real_base: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = make_clone(tmp_path / "clone", real_base)
    night = _night(clone, "data/sample/home", prefect, OF_UNTUNED_ROWS)
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
