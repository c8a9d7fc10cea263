"""`POST /questions`: dishes that teach most, never one that the person may not eat, and nothing is stored."""

from __future__ import annotations

import httpx
import pytest

from components.domain.catalogue import Thresholds
from components.domain.preferences.contract import columns
from components.integrations.service_store import Catalogue
from tests.conftest import eight_dishes
from tests.serving.conftest import send
from tests.serving.published import ADA, BOB, EMPTY, lines
from tests.serving.test_person_ranking import DISHES, HISTORY, with_factors

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
__all__ = ["with_factors"]  # the fixture


def _publish(url: str) -> None:
    rows = [dict.fromkeys(columns("dishes")) | EMPTY | vars(dish) for dish in eight_dishes().values()]
    nuts = {"dish_id": "nuts", "name": "Almond cake", "ingredients": ("almonds",)}
    rows.append(dict.fromkeys(columns("dishes")) | EMPTY | nuts)
    histories = [("ada", lines(*HISTORY[:2])), ("bob", [])]
    published = [(row, 0.5, True) for row in rows]
    Catalogue(url).publish("v1", Thresholds(4, 2), published, [ADA, BOB], histories)


def _asked(address: str, **body: object) -> list[str]:
    status, answer, headers = send(f"{address}/questions", **body)
    assert status == 200, answer
    assert headers["X-Palate-Answer"] is None
    return [dish["dish_id"] for dish in answer["dishes"]]


def test_questions_are_dishes_that_may_be_eaten_and_were_not_judged(with_factors: str, url: str) -> None:
    _publish(url)
    of_ada = _asked(with_factors, person_id="ada", k=20)
    assert sorted(of_ada) == sorted([*DISHES[2:], "nuts"])
    assert _asked(with_factors, person_id="ada", k=2) == of_ada[:2]
    assert set(_asked(with_factors, person_id="ada", k=20, without=of_ada[:3])) == set(of_ada[3:])
    new = {"person_id": "somebody", "allergies": [], "keep": False}
    first = _asked(with_factors, **new, k=1)
    assert "nuts" not in _asked(with_factors, **new | {"allergies": ["nuts"]}, k=20)
    dish = send(f"{with_factors}/questions", **new, k=1)[1]["dishes"][0]
    judged = new | {"history": [{"dish": {"dish_id": dish["dish_id"]}, "verdict": "disliked"}]}
    assert first[0] not in _asked(with_factors, **judged, k=20)
    status, answer, headers = send(f"{with_factors}/recommend", **judged)
    assert (status, answer["cold_start"], headers["X-Palate-Exposure"]) == (200, False, "none")
    described = new | {"history": [{"dish": vars(eight_dishes()[dish["dish_id"]]), "verdict": "disliked"}]}
    again = send(f"{with_factors}/recommend", **described)[1]["dishes"]
    scores = [{each["dish_id"]: each["score"] for each in dishes} for dishes in (answer["dishes"], again)]
    assert scores[0] == pytest.approx(scores[1])  # the id alone says as much as all texts


def test_of_somebody_who_only_tries_nothing_is_stored(with_factors: str, url: str) -> None:
    _publish(url)
    asked = {"person_id": "new", "allergies": [], "keep": False}
    slots = [{"name": "dinner"}]
    assert send(f"{with_factors}/recommend", **asked)[0] == 200
    assert send(f"{with_factors}/plan", people=[asked], slots=slots, days=1)[0] == 200
    assert httpx.get(f"{with_factors}/people/new").status_code == 404


def test_a_version_without_a_posterior_asks_about_popular_dishes(storing: str, url: str) -> None:
    _publish(url)
    asked = _asked(storing, person_id="ada", k=2)
    assert len(asked) == 2
    assert not {past.dish_id for past in HISTORY[:2]} & set(asked)
