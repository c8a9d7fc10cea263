"""params.yaml is refused as a whole, with every problem and its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.domain.errors import BadParams
from components.domain.params_file import read_params, read_yaml, validate
from components.domain.training_params import TUNED
from tests.conftest import REPO


@pytest.fixture
def values() -> dict[str, Any]:
    return dict(yaml.safe_load((REPO / "params.yaml").read_text()))


def test_the_projects_own_params_are_valid() -> None:
    assert set(read_params(REPO / "params.yaml").train.candidates) == {"factors", "vectors"}


@pytest.mark.parametrize("name", ["food-world-cup", "italian-recipes"])
def test_the_sample_sets_params_are_valid(values: dict[str, Any], name: str) -> None:
    changed = yaml.safe_load((REPO / "data" / "sample" / name / "params.yaml").read_text())
    for section, changes in changed.items():
        values[section] |= changes
    assert validate(values, name).split.by == "source"


def test_holding_out_by_source_needs_sources(values: dict[str, Any]) -> None:
    values["split"]["by"] = "source"
    with pytest.raises(BadParams, match="test_sources"):
        validate(values, "params.yaml")


def test_every_field_says_its_unit_or_effect() -> None:
    for line in (REPO / "params.yaml").read_text().splitlines():
        leaf = line.strip() and not line.lstrip().startswith("#") and not line.rstrip().endswith(":")
        repeated = line.startswith(" " * 6)  # a second candidate repeats the fields that the first explains
        assert not leaf or "#" in line or repeated, line


def test_all_problems_are_told_at_once(values: dict[str, Any]) -> None:
    values["train"]["seeed"] = 1
    values["split"]["test_days"] = 0
    values["collect"]["like_at"] = "often"
    with pytest.raises(BadParams) as caught:
        validate(values, "params.yaml")
    message = str(caught.value)
    for part in (
        "3 places",
        "train.seeed: unknown key",
        "split.test_days",
        "(got 0)",
        "collect.like_at",
        "'often'",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("cron", "part"),
    [("61 2 * * *", "bad minute"), ("0 25 * * *", "bad hour"), ("0 0 30 2 *", "bad day"), ("0 2", "pattern")],
)
@pytest.mark.parametrize("name", ["nightly_cron", "weekly_full_cron"])
def test_a_schedule_without_times_is_refused(values: dict[str, Any], name: str, cron: str, part: str) -> None:
    values["up"][name] = cron
    with pytest.raises(BadParams, match=part) as caught:
        validate(values, "params.yaml")
    assert f"up.{name}" in str(caught.value)


@pytest.mark.parametrize("name", ["random", "champion", "base", "Has Spaces"])
def test_a_candidate_may_not_take_a_rivals_name(values: dict[str, Any], name: str) -> None:
    values["train"]["candidates"][name] = values["train"]["candidates"]["vectors"]
    with pytest.raises(BadParams):
        validate(values, "params.yaml")


@pytest.mark.parametrize(
    ("text", "part"), [("a: [", "cannot be read"), ("- 1", "holds list"), ("{}", "14 places")]
)
def test_a_file_that_is_no_params_file(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(BadParams, match=part):
        read_params(path)


@pytest.mark.parametrize(
    ("method", "without", "words"),
    [
        ("none", "vectors", "method none trains a head alone: give the candidate a section vectors"),
        ("lora", "rank", "rank must be given unless method is none"),
        ("dora", "vectors", "dora tunes the base through a head of dish vectors: give the candidate a sec"),
        ("none", "rank", ""),
    ],
)
def test_a_candidate_says_what_is_trained(method: str, without: str, words: str) -> None:
    values = read_yaml(REPO / "params.yaml")
    candidate = values["train"]["candidates"]["vectors"]
    candidate["method"] = method
    del candidate[without]
    if not words:
        assert validate(values, "here.yaml").train.candidates["vectors"].method == "none"
        return
    with pytest.raises(BadParams, match=words):
        validate(values, "here.yaml")


def test_a_candidates_base_is_one_that_is_named() -> None:
    values = read_yaml(REPO / "params.yaml")
    values["train"]["candidates"]["vectors"]["base"] = "gemma"
    with pytest.raises(BadParams, match=r"candidate vectors names the base 'gemma': base\.others has none"):
        validate(values, "here.yaml")
    values["base"]["others"] = {"gemma": "package:gemma"}
    assert validate(values, "here.yaml").train.candidates["vectors"].base == "gemma"


HEAD = {"size": 4, "learning_rate": 0.1, "weight_decay": 0.1, "comparisons_per_step": 4}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "lora"}, "give the candidate a section vectors, or set method none"),
        ({"vectors": HEAD}, "give the candidate a section vectors or a section factors"),
        ({"factors": {"size": 4, "template": "no dish", "layer": 0}}, "must be one line that holds"),
        ({"factors": {"size": 4, "template": "{dish} {dish}", "layer": 0}}, "must be one line that holds"),
        ({"factors": {"size": 4, "template": "{dish}\n", "layer": 0}}, "must be one line that holds"),
        ({"factors": {"size": 4, "template": "{dish}", "layer": -1}}, "layer"),
    ],
)
def test_text_factors_stand_alone_or_on_a_tuned_base_and_read_one_line(
    changes: dict[str, Any], words: str
) -> None:
    values = read_yaml(REPO / "params.yaml")
    if changes.get("method") == "lora":
        tuned = values["train"]["candidates"]["vectors"]
        changes |= {name: tuned[name] for name in TUNED}
    values["train"]["candidates"]["factors"] |= changes
    with pytest.raises(BadParams, match=words):
        validate(values, "here.yaml")
