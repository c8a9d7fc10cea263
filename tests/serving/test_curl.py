"""The requests of the pages, as they stand there, sent by curl to the real service and its store."""

from __future__ import annotations

import csv
import json
import subprocess
from typing import Any

import pytest

from components.domain.catalogue import Thresholds
from components.domain.preferences.contract import columns
from components.integrations.service_store import Catalogue
from tests.conftest import REPO, needs
from tests.pages import command
from tests.serving.published import ADA, EMPTY

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("url", ["sqlite"], indirect=True),
]

RUNBOOK, README = "docs/runbook.md", "README.md"


def _curl(address: str, line: str) -> dict[str, Any]:
    needs("curl")
    line = line.replace("localhost:3000", f"localhost:{address.rpartition(':')[2]}")
    script = f"TOKEN=word\n{line} --fail-with-body -s"
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def sample(storing: str, url: str) -> str:
    """The service with the sample's dishes and the people whom the pages name."""
    with (REPO / "data/sample/canteen/dishes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    dishes = [
        dict.fromkeys(columns("dishes")) | EMPTY
        | {"dish_id": row["dish_id"], "name": row["name"], "tags": tuple(row["tags"].split(";"))}
        for row in rows
    ]  # fmt: skip
    people = [{**ADA, "person_id": person} for person in ("c01466", "p17", "p18")]
    Catalogue(url).publish("v1", Thresholds(4, 2), [(dish, 0.5, True) for dish in dishes], people, [])
    return storing


def test_a_dish_is_recommended_and_chosen(sample: str) -> None:
    answer = _curl(sample, command(README, "curl -s localhost:3000/recommend"))
    assert {dish["dish_id"] for dish in answer["dishes"]} == {"d27", "d43"}
    assert [dish["dish_id"] for dish in answer["left_out"]] == ["d11"]
    chosen = command(README, "curl -s localhost:3000/feedback").replace("ANSWER_ID", answer["answer_id"])
    assert _curl(sample, chosen)["again"] is False
    with_token = command("docs/kubernetes.md", "curl -s localhost:3000/recommend")
    assert len(_curl(sample, with_token)["dishes"]) == 2


def test_a_week_is_planned(sample: str) -> None:
    answer = _curl(sample, command("docs/plan.md", "curl -s localhost:3000/plan"))
    assert [len(meal["dishes"]) for meal in answer["meals"]] == [1] * 5


def test_the_stored_questions_are_asked_anew_and_people_are_read_and_erased(sample: str) -> None:
    assert _curl(sample, command(RUNBOOK, "curl -X POST localhost:3000/canary"))["passed"]
    assert _curl(sample, command(RUNBOOK, "curl localhost:3000/people"))["person_id"] == "p17"
    for erasure in ("curl -X DELETE", "curl localhost:3000/erasures"):
        _curl(sample, command(RUNBOOK, erasure))
    with pytest.raises(AssertionError, match="p17"):
        _curl(sample, command(RUNBOOK, "curl localhost:3000/people"))
