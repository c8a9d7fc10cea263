"""What comes with a plan: reasons, a shopping list, headers, and an earlier plan that stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.answers import exposure_of
from tests.serving.conftest import send
from tests.serving.household import DINNER, ids_of, planned, publish_household
from tests.serving.test_person_ranking import with_factors

__all__ = ["with_factors"]  # the fixture


@pytest.fixture
def store(tmp_path: Path) -> str:
    return publish_household(f"sqlite:///{tmp_path / 'service.db'}")


def test_a_dish_comes_for_the_same_reasons_as_in_recommend(knowing: str) -> None:
    (dish,) = planned(knowing, days=1)["meals"][0]["dishes"]
    _, ranked, _ = send(f"{knowing}/recommend", person_id="ada", dishes=[dish["dish_id"]])
    assert dish["because"] == {"ada": ranked["dishes"][0]["because"]}
    guest = {"person_id": "guest", "allergies": []}
    assert planned(knowing, people=[guest], days=1)["meals"][0]["dishes"][0]["because"] == {"guest": []}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_liking_has_its_interval_which_more_opinions_narrow(with_factors: str, url: str) -> None:
    publish_household(url)
    widths = []
    for names in (["Cod"], ["Cod", "Beef", "Rice", "Pea soup", "Lentil curry"]):
        history = [{"dish": {"dish_id": name, "name": name}, "rating": 4.0} for name in names]
        eater = {"person_id": "ada", "history": history}
        dishes = [dish for meal in planned(with_factors, people=[eater])["meals"] for dish in meal["dishes"]]
        for dish in dishes:
            interval = dish["liking_interval"]["ada"]
            assert 0 <= interval["low"] <= dish["liking"]["ada"] <= interval["high"] <= 1
        widths.append(
            sum(
                each["liking_interval"]["ada"]["high"] - each["liking_interval"]["ada"]["low"]
                for each in dishes
            )
        )
    assert 0 < widths[1] < widths[0]
    guest = {"person_id": "guest", "allergies": []}
    assert planned(with_factors, people=[guest], days=1)["meals"][0]["dishes"][0]["liking_interval"] == {}


def test_ingredients_that_dishes_share_are_bought_together(knowing: str) -> None:
    both = [{"person_id": "ada"}, {"person_id": "bob"}]
    slots = [DINNER | {"dishes": ["peas", "lentils"], "count": 2, "portions": [1.5]}]
    shopping = planned(knowing, people=both, slots=slots, days=1)["shopping"]
    listed = shopping["ingredients"]
    servings = {each["ingredient"]: (each["servings"], sorted(each["dishes"])) for each in listed}
    assert servings == {
        "carrots": (6, ["Lentil stew", "Peas with carrots"]),
        "lentils": (3, ["Lentil stew"]),
        "peas": (3, ["Peas with carrots"]),
    }
    assert list(servings) == sorted(servings)
    assert shopping["unlisted"] == []
    impossible = planned(knowing, people=[{"person_id": "bob"}], slots=[DINNER | {"dishes": ["cod"]}])
    assert impossible["shopping"] == {"ingredients": [], "unlisted": []}


def test_a_plan_that_is_sent_back_stays_but_for_what_is_locked(knowing: str) -> None:
    both = [{"person_id": "ada"}, {"person_id": "bob"}]
    slots = [DINNER | {"one_each": True, "portions": [1, 1.5]}]
    household = {"people": both, "slots": slots, "days": 4}
    before = planned(knowing, **household, repeat_after_days=0)
    kept = [
        {"day": meal["day"], "slot": meal["slot"], "dish_id": dish["dish_id"], "portion": dish["portion"],
         "people": list(dish["liking"])}
        for meal in before["meals"] for dish in meal["dishes"]
    ]  # fmt: skip
    again = planned(knowing, **household, kept=kept)  # although repetitions cost now
    assert ids_of(again) == ids_of(before)
    lock = {"day": 2, "slot": "dinner", "dish_id": "peas"}
    locked = planned(knowing, **household, kept=kept, locks=[lock])
    assert set(ids_of(locked)[1]) == {"peas"}
    assert [ids_of(locked)[day] for day in (0, 2, 3)] == [ids_of(before)[day] for day in (0, 2, 3)]


def test_an_excluded_dish_makes_room_for_another_and_the_rest_stays(knowing: str) -> None:
    before = ids_of(planned(knowing, days=3))
    places = [{"day": day, "slot": "dinner", "dish_id": dish} for day, (dish,) in enumerate(before, 1)]
    after = ids_of(planned(knowing, days=3, kept=places, exclusions=places[1:2]))
    assert after[1] != before[1]
    assert [after[0], after[2]] == [before[0], before[2]]
    slot = [DINNER | {"dishes": ["cod"]}]
    (reason,) = planned(
        knowing, days=1, slots=slot, exclusions=[{"day": 1, "slot": "dinner", "dish_id": "cod"}]
    )["reasons"]
    assert reason == "'dinner' of day 1 needs more dishes than may be offered of the 0 in its pool"


def test_headers_name_everybodys_answer(knowing: str) -> None:
    both = [{"person_id": "ada"}, {"person_id": "bob"}]
    _, answer, headers = send(f"{knowing}/plan", people=both, days=1, slots=[DINNER])
    assert headers["X-Palate-Answer"].split(", ") == [each["answer_id"] for each in answer["people"]]
    assert (headers["X-Palate-Version"], headers["X-Palate-Exposure"]) == ("7", "stored")


def test_either_database_gives_a_plan_and_keeps_it(storing: str, url: str) -> None:
    publish_household(url)
    answer = planned(storing, people=[{"person_id": "ada"}, {"person_id": "bob"}])
    for person in answer["people"]:
        exposure = exposure_of(url, person["answer_id"])
        assert exposure is not None
        shown = {dish["dish_id"] for meal in answer["meals"] for dish in meal["dishes"]}
        assert {each.dish.dish_id for each in exposure.shown} == shown
