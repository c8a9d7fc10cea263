"""A household's week over the real service: liking, what each eater may not eat, bounds, and reasons."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.answers import exposure_of
from tests.serving.conftest import send
from tests.serving.household import DINNER, DISHES, MONDAY, ids_of, planned, publish_household


@pytest.fixture
def store(tmp_path: Path) -> str:
    return publish_household(f"sqlite:///{tmp_path / 'service.db'}")


def test_a_week_has_each_meal_with_what_the_person_likes_and_what_it_holds(knowing: str) -> None:
    answer = planned(knowing)
    assert answer["status"] in {"optimal", "within_gap"}
    assert [(meal["day"], meal["slot"]) for meal in answer["meals"]] == [(day, "dinner") for day in (1, 2, 3)]
    dishes = [dish for (dish,) in ids_of(answer)]
    assert len(set(dishes)) == 3
    assert "rice" not in dishes  # they dislike it
    assert "cake" not in dishes
    (ada,) = answer["people"]
    kcal = {dish["dish_id"]: dish["nutrition"].amounts["kcal"] for dish in DISHES}
    assert [day["kcal"]["low"] for day in ada["days"]] == [kcal[dish].low for dish in dishes]
    assert ada["total"]["kcal"]["high"] == pytest.approx(sum(kcal[dish].high for dish in dishes))
    likings = [dish["liking"]["ada"] for meal in answer["meals"] for dish in meal["dishes"]]
    assert all(0 < liking < 1 for liking in likings)
    assert ada["liking"] == pytest.approx(sum(likings) / 3)


def test_liking_is_the_chance_to_be_preferred_to_the_median_dish(knowing: str) -> None:
    _, scores, _ = send(
        f"{knowing}/recommend", person_id="ada", history=[{"dish": {"dish_id": "x", "name": "Cod"}}]
    )
    ranked = {dish["dish_id"]: dish["score"] for dish in scores["dishes"]}
    eater = {"person_id": "ada", "history": [{"dish": {"dish_id": "x", "name": "Cod"}}]}
    answer = planned(knowing, people=[eater], days=4)
    liking = {dish["dish_id"]: dish["liking"]["ada"] for meal in answer["meals"] for dish in meal["dishes"]}
    better = sorted(liking, key=lambda dish: -ranked[dish])
    assert better == sorted(liking, key=lambda dish: -liking[dish])


def test_a_shared_meal_keeps_to_what_every_eater_may_not_eat(knowing: str) -> None:
    both = [{"person_id": "ada"}, {"person_id": "bob"}]  # bob is vegan, and allergic to nuts
    answer = planned(knowing, people=both, repeat_after_days=0)
    assert {dish for meal in ids_of(answer) for dish in meal} <= {"peas", "lentils"}
    assert [set(meal["dishes"][0]["liking"]) for meal in answer["meals"]] == [{"ada", "bob"}] * 3
    left_out = {each["person_id"]: each for each in answer["left_out"]}
    assert left_out["ada"] == {
        "person_id": "ada", "dishes": 1, "reasons": {"the person's last opinion of it is a dislike": 1},
    }  # fmt: skip
    assert left_out["bob"]["dishes"] == 3
    assert left_out["bob"]["reasons"]["not shown to be vegan"] == 3
    apart = planned(knowing, people=both, slots=[DINNER | {"one_each": True}], days=2)
    for meal in apart["meals"]:
        assert {dish["dish_id"] for dish in meal["dishes"] if "bob" in dish["liking"]} <= {
            "peas",
            "lentils",
            "rice",
        }


def test_who_is_unknown_or_has_a_diet_that_cannot_be_read_gets_noplanned(knowing: str) -> None:
    household = {"days": 1, "slots": [DINNER]}
    for people, status, words in (
        ([{"person_id": "ada"}, {"person_id": "stranger"}], 400, "send allergies, an empty list"),
        ([{"person_id": "ada"}, {"person_id": "odd"}], 503, "'breatharian' is not known"),
        ([{"person_id": "ada", "diet": "breatharian"}], 400, "'breatharian' is not known"),
    ):
        refused = send(f"{knowing}/plan", people=people, **household)
        assert (refused[0], words in refused[1]["error"]) == (status, True), refused
    guest = {"person_id": "guest", "allergies": ["fish"], "diet": "vegetarian"}
    answer = planned(knowing, people=[guest], repeat_after_days=0)
    assert {dish for (dish,) in ids_of(answer)} <= {"peas", "rice", "lentils"}
    assert answer["people"][0]["cold_start"] is True


def test_bounds_rules_locks_skips_and_portions_hold(knowing: str) -> None:
    eater = {"person_id": "ada", "at_least": {"protein_g": 25}, "at_most_in_all": {"kcal": 1800}}
    answer = planned(
        knowing, people=[eater], days=4, slots=[DINNER | {"portions": [1, 1.5]}],
        rules=[{"tag": "meat", "at_most": 1}, {"tag": "vegan", "at_least": 1}],
        locks=[{"day": 3, "slot": "dinner", "dish_id": "cod"}], skips=[{"day": 2, "slot": "dinner"}],
        repeat_after_days=0,
    )  # fmt: skip
    dishes = [dish for (dish,) in ids_of(answer)]
    assert [meal["day"] for meal in answer["meals"]] == [1, 3, 4]
    assert dishes[1] == "cod"
    assert dishes.count("beef") <= 1
    assert dishes.count("lentils") >= 1  # the only vegan dish with the protein
    (ada,) = answer["people"]
    assert [day.get("protein_g", {"low": 25})["low"] >= 25 for day in ada["days"]] == [True] * 4
    assert ada["days"][1] == {}
    assert ada["total"]["kcal"]["high"] <= 1800


def test_reference_intakes_hold_and_a_bound_of_the_persons_own_takes_their_place(knowing: str) -> None:
    four, three = ([DINNER | {"count": count}] for count in (4, 3))
    answer = planned(knowing, people=[{"person_id": "ada", "bounds": "reference"}], slots=four, days=1)
    assert set(ids_of(answer)[0]) == {
        "peas",
        "lentils",
        "cod",
        "beef",
    }  # no others have 1800 to 2200 kcal
    answer = planned(knowing, people=[{"person_id": "ada", "bounds": "reference"}], slots=three, days=1)
    assert answer["reasons"] == ["'kcal' for 'ada' is at least 1800 a day"]
    own = {"person_id": "ada", "bounds": "reference", "at_most": {"kcal": 1700}}
    (ada,) = planned(knowing, people=[own], slots=three, days=1)["people"]
    assert ada["total"]["kcal"]["high"] <= 1700
    assert (ada["at_most"]["kcal"], ada["at_most"]["fat_g"], "kcal" in ada["at_least"]) == (1700, 70, False)
    low = {"person_id": "ada", "bounds": "reference", "at_least": {"kcal": 0, "protein_g": 500}}
    answer = planned(knowing, people=[low], slots=three, days=1)
    assert answer["reasons"] == ["'protein_g' for 'ada' is at least 500 a day"]


def test_an_unknown_amount_is_in_no_bounded_day_and_in_no_total(knowing: str) -> None:
    sweet = {"name": "sweet", "tags": ["sweet"]}
    (ada,) = planned(knowing, slots=[sweet], days=1)["people"]
    assert ada["total"].keys() == {"kcal"}
    eater = {"person_id": "ada", "at_most": {"protein_g": 500}}
    answer = planned(knowing, people=[eater], slots=[sweet], days=1)
    assert answer["status"] == "impossible"
    assert answer["reasons"] == ["'protein_g' for 'ada' is at most 500 a day"]
    assert answer["change"] == "without this there is a plan: 'protein_g' for 'ada' is at most 500 a day"


def test_price_and_minutes_are_bounded_by_day_by_meal_and_in_all(knowing: str) -> None:
    eater = {"person_id": "ada", "at_most": {"price": 8}, "at_most_in_all": {"price": 10}}
    answer = planned(knowing, people=[eater], repeat_after_days=0, days=2)
    assert {dish for (dish,) in ids_of(answer)} <= {"peas", "lentils", "cod"}  # the price of beef is unknown
    (ada,) = answer["people"]
    assert ada["total"]["price"]["high"] <= 10
    quick = DINNER | {"minutes": 45, "count": 2, "portions": [0.5]}
    answer = planned(knowing, slots=[quick], days=1)
    assert set(ids_of(answer)[0]) == {"peas", "cod"}  # lentils take 40 of the 45 minutes
    assert answer["people"][0]["total"]["minutes"] == {"low": 45, "high": 45}  # and half a portion as long
    answer = planned(knowing, slots=[quick | {"minutes": 44}])
    assert answer["reasons"] == ["'minutes' for 'ada' is at most 44 at each 'dinner'"]
    assert answer["change"] == "with this there is a plan: 'minutes' for 'ada' is at most 45 at each 'dinner'"
    both = [{"person_id": "ada"}, {"person_id": "bob"}]
    apart = DINNER | {"minutes": 24, "one_each": True}
    answer = planned(knowing, people=both, slots=[apart], days=1)
    assert {dish["dish_id"] for dish in answer["meals"][0]["dishes"]} == {"peas"}


def test_a_meal_on_the_menu_has_what_is_served_on_its_day(knowing: str) -> None:
    lunch = {"name": "lunch", "on_menu": True}
    first = {"first_day": MONDAY.isoformat(), "repeat_after_days": 0}
    answer = planned(knowing, slots=[lunch | {"tags": ["main"]}, DINNER], days=2, **first)
    assert ids_of(answer)[::2] == [["peas"], ["cod"]]
    answer = planned(knowing, slots=[lunch], days=5, **first)
    assert answer["reasons"] == [
        f"'lunch' of day {day} has no menu: none is known of 2027-03-0{day}" for day in (3, 4)
    ]
    skips = [{"day": day, "slot": "lunch"} for day in (3, 4)]
    assert ids_of(planned(knowing, slots=[lunch], days=5, skips=skips, **first))[-1] == ["beef"]
    answer = planned(knowing, slots=[lunch], people=[{"person_id": "bob"}], days=2, **first)
    assert answer["reasons"] == [
        "'lunch' of day 2 needs more dishes than may be offered of the 1 in its pool"
    ]
    assert "'lunch' of day 1 has no menu" in planned(knowing, slots=[lunch], days=1)["reasons"][0]


def test_contradictory_wishes_are_named_and_nobody_is_shown_anything(knowing: str) -> None:
    eater = {"person_id": "ada", "at_least": {"protein_g": 60}}
    answer = planned(knowing, people=[eater])
    assert (answer["meals"], answer["people"], answer["gap"]) == ([], [], None)
    assert answer["reasons"] == ["'protein_g' for 'ada' is at least 60 a day"]
    assert answer["change"] == "with this there is a plan: 'protein_g' for 'ada' is at least 50 a day"
    lock = [{"day": 1, "slot": "dinner", "dish_id": "cod"}]
    answer = planned(knowing, people=[{"person_id": "bob"}], locks=lock)
    assert answer["reasons"] == ["'dinner' of day 1 has the dish 'cod'"]
    answer = planned(knowing, slots=[{"name": "tea", "tags": ["none"]}], days=1)
    assert answer["reasons"] == ["'tea' of day 1 needs more dishes than may be offered of the 0 in its pool"]


def test_feedback_takes_the_plan_of_each_person_and_a_plan_is_no_menu(knowing: str, store: str) -> None:
    both = [{"person_id": "ada", "at_most": {"kcal": 2000}}, {"person_id": "bob"}]
    answer = planned(knowing, people=both, days=2)
    ids = {person["person_id"]: person["answer_id"] for person in answer["people"]}
    dish = answer["meals"][0]["dishes"][0]["dish_id"]
    for kind, status in (("order", 200), ("like", 200), ("choice", 400)):
        for person, answer_id in ids.items():
            done = send(f"{knowing}/feedback", person_id=person, dish_id=dish, kind=kind, answer_id=answer_id)
            assert done[0] == status, done
    assert "is a plan and no menu: send an order" in done[1]["error"]
    assert (
        send(f"{knowing}/feedback", person_id="bob", dish_id=dish, kind="like", answer_id=ids["ada"])[0]
        == 400
    )
    exposure = exposure_of(store, ids["bob"])
    assert exposure is not None
    assert "kcal" not in exposure.filters  # the bounds are another person's
    assert '"diet": "vegan"' in exposure.filters
    scores = [shown.score for shown in exposure.shown]
    assert scores == sorted(scores, reverse=True)


def test_what_was_ordered_today_comes_later_if_at_all(knowing: str) -> None:
    favourite = ids_of(planned(knowing, days=1))[0][0]
    send(
        f"{knowing}/feedback",
        person_id="ada",
        dish_id=favourite,
        kind="order",
        occurred_at=datetime.now(UTC).isoformat(),
    )
    assert ids_of(planned(knowing, days=1))[0][0] != favourite


def test_the_same_request_has_the_same_plan_and_others_are_answered_meanwhile(knowing: str) -> None:
    both = [{"person_id": "ada"}, {"person_id": "bob"}]
    planned(knowing, people=both)  # the model reads the dishes, of which the median is one
    assert ids_of(planned(knowing, people=both)) == ids_of(planned(knowing, people=both))
    done = list[str]()

    def plan() -> None:
        meals = [DINNER | {"name": str(number), "one_each": True, "count": 2} for number in range(4)]
        eaters = [{"person_id": "ada", "at_least": {"kcal": 3000}}, {"person_id": "bob"}]
        planned(knowing, people=eaters, slots=meals, days=10, repeat_after_days=3)
        done.append("plan")

    thread = threading.Thread(target=plan)
    thread.start()
    slowest = 0.0
    while thread.is_alive():
        started = time.monotonic()
        assert send(f"{knowing}/recommend", person_id="ada", k=2)[0] == 200
        slowest = max(slowest, time.monotonic() - started)
    thread.join()
    assert done == ["plan"]
    assert slowest < 5
