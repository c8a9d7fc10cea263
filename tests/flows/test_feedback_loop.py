"""What people say to a served version over HTTP changes how the next released one ranks."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow.tracking import MlflowClient

from tests.flows.clones import Done, copy_of, post, run_night, state_of
from tests.flows.digits import PEOPLE, number_with
from tests.flows.releasing import Passes, serving

# What people choose by the inbox, what they choose now, and what else there is.
OLD_TASTES, NEW_TASTES, REST = "12", "34", "056789"
CHOICES = 14  # of each person, in the service
QUESTIONS = 30


def _dishes(numbers: Sequence[str]) -> list[dict[str, str]]:
    return [{"dish_id": f"d{number}", "name": number} for number in numbers]


def _choose(address: str, draw: random.Random, used: set[str]) -> dict[str, list[str]]:
    """Everybody is shown menus, and chooses the numbers with a digit that meant nothing to them before."""
    chosen: dict[str, list[str]] = {}
    for person in (f"p{number}" for number in range(PEOPLE)):
        taste = NEW_TASTES[int(person[1:]) % 2]
        for _ in range(CHOICES):
            menu = [number_with(digit, draw, used, REST) for digit in NEW_TASTES for _ in range(2)]
            number = draw.choice([each for each in menu if taste in each])
            draw.shuffle(menu)
            answer = post(f"{address}/rank", {"person_id": person, "dishes": _dishes(menu)})
            feedback = {"person_id": person, "dish_id": f"d{number}", "kind": "choice"}
            assert not post(f"{address}/feedback", feedback | {"answer_id": answer["answer_id"]})["again"]
            chosen.setdefault(person, []).append(number)
    return chosen


def _orders(address: str, requests: Sequence[dict[str, Any]]) -> tuple[str, list[list[str]]]:
    """The version that answers, and its order for each request."""
    answers = [post(f"{address}/rank", request) for request in requests]
    (version,) = {answer["model_version"] for answer in answers}
    return version, [answer["order"] for answer in answers]


@pytest.mark.slow
def test_what_people_choose_over_http_changes_the_order_of_the_next_released_version(
    promoted: Done, passes: Passes, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = copy_of(promoted.clone, tmp_path / "clone")
    values = yaml.safe_load((clone / "params.yaml").read_text())
    values["split"] |= {"by": "within_person"}  # all choices are of this minute, and no later day judges them
    values["evaluate"]["subset"] = 100  # of the slow rows
    # Answers have other ids each time, so the training meets another order: half the rate learns from any.
    values["train"]["candidates"]["reader"] |= {"learning_rate": 0.01, "epochs": 16}
    values["register"]["promote_first"] = False  # a person promotes
    (clone / "params.yaml").write_text(yaml.safe_dump(values))
    draw, used = random.Random(3), set[str]()
    env = {"PALATE_STORE": f"sqlite:///{clone / '.palate/service.db'}"}

    with serving(passes.forks, clone, **env) as address:
        chosen = _choose(address, draw, used)
        menus = [[number_with(digit, draw, used, REST) for digit in NEW_TASTES] for _ in range(QUESTIONS)]
        history = [{"dish": dish} for dish in _dishes(chosen["p0"][:6])]
        requests = [{"person_id": "p0", "history": history, "dishes": _dishes(menu)} for menu in menus]
        old, before = _orders(address, requests)

    night = run_night(clone, env=prefect)
    assert night.returncode == 0, night.stderr
    report = Done(clone, night).evaluation
    assert report["gate"]["decision"] == "pass", report["gate"]["reason"]
    assert "champion" in report["models"]  # which it had to beat
    rows = re.findall(rf"^\d{{4}}-\d\d-\d\d +{old} +(\d+) +\d+% \(.*?\) +(\d+) ", night.stdout, re.MULTILINE)
    answers, judged = (sum(map(int, column)) for column in zip(*rows, strict=True))
    assert (answers, judged) == (PEOPLE * CHOICES + QUESTIONS, PEOPLE * CHOICES)

    client = MlflowClient(f"sqlite:///{clone / '.palate' / 'mlflow.db'}")
    new = client.get_model_version_by_alias("palate", "challenger").version
    assert ("champion", int(old)) in state_of(clone)["aliases"]
    client.set_registered_model_alias("palate", "champion", new)
    assert passes.sentence(clone).startswith(f"version {new} was released as palate:v{new}-")

    with serving(passes.forks, clone, **env) as address:
        version, after = _orders(address, requests)
    assert (version, version != old) == (str(new), True)
    right = [f"d{first}" for first, _ in menus]  # p0 chooses what has the first of the digits
    hits = [
        sum(order[0] == dish for order, dish in zip(orders, right, strict=True)) for orders in (before, after)
    ]
    assert before != after
    assert hits[1] >= 0.9 * QUESTIONS > 0.75 * QUESTIONS >= hits[0], hits
