"""What a night gives the service: nutrition comes out as it went in, histories as nights order them."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.domain.catalogue import Line, Thresholds, with_feedback
from components.domain.diet.nutrition import Amount, Nutrition, nutrition_of
from components.domain.exposures import SERVICE, Feedback
from components.domain.preferences.contract import DishRow
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.opinions import Scale, opinion_log
from components.integrations.foods import food_rows, read_foods
from components.integrations.service_store import Catalogue
from flows.night.publication import FOODS, coming_menus, eaten, histories, with_nutrition
from tests.postgresql import postgresql

START = datetime(2026, 11, 1, tzinfo=UTC)


def _publish(catalogue: Catalogue, dishes: list[dict[str, object]]) -> None:
    rows = with_nutrition([DishRow.model_validate(dish).model_dump() for dish in dishes], FOODS)
    catalogue.publish("v1", Thresholds(4, 2), [(row, 0.5, True) for row in rows], [], [])


def test_declared_estimated_and_unknown_nutrients_come_back_from_the_store(tmp_path: Path) -> None:
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'service.db'}")
    dishes: list[dict[str, object]] = [
        {"dish_id": "1", "name": "Hamburgers", "serving_g": "250", "kcal": "410.5", "minutes": "20"},
        {"dish_id": "2", "name": "Hamburgers"},
        {"dish_id": "3", "name": "Kritharaki", "ingredients": "pasta;oil"},
    ]
    _publish(catalogue, dishes)
    one, two, three = (listed.nutrition for listed in catalogue.dishes())
    foods = read_foods(FOODS)
    assert one == nutrition_of(
        {"name": "Hamburgers", "serving_g": 250.0, "kcal": 410.5, "minutes": 20.0}, foods
    )
    assert (one.amounts["kcal"].evidence, one.amounts["fat_g"].per) == ("declared", "serving")
    assert one.amounts["minutes"] == Amount(20.0, 20.0, "serving", "declared")
    assert two.amounts["kcal"].per == "100 g"
    assert "minutes" not in two.amounts
    assert one.matches == two.matches
    assert three == Nutrition()


def test_a_store_that_an_older_version_filled_is_still_read(tmp_path: Path) -> None:
    file = tmp_path / "service.db"
    catalogue = Catalogue(f"sqlite:///{file}")
    _publish(catalogue, [{"dish_id": "1", "name": "Hamburgers", "kcal": 400}])
    with sqlite3.connect(file) as database:
        database.execute("UPDATE dishes SET row = json_remove(row, '$.nutrition')")
    database.close()
    assert [listed.nutrition for listed in catalogue.dishes()] == [Nutrition()]


def test_ten_thousand_dishes_and_none_are_published(tmp_path: Path) -> None:
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'service.db'}")
    names = [row["name"] for row in food_rows(FOODS)]
    _publish(
        catalogue, [{"dish_id": str(number), "name": names[number % len(names)]} for number in range(10_000)]
    )
    published = catalogue.dishes()
    assert len(published) == 10_000
    assert 1_000 < sum(bool(listed.nutrition.amounts) for listed in published) < 10_000
    _publish(catalogue, [])
    assert catalogue.dishes() == []


def test_menus_from_today_on_are_published_and_answers_are_none(tmp_path: Path) -> None:
    numbers = {"old": 0, "lunch": 1, "tea": 1, "answer": 1, "next": 9}
    days = {menu: (START + timedelta(days=number)).date() for menu, number in numbers.items()}
    rows = [
        {"menu_id": menu, "served_on": day, "dish_id": dish} for menu, day in days.items() for dish in "ab"
    ]
    rows.append({"menu_id": "next", "served_on": days["next"], "dish_id": "b\x00"})
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'service.db'}")
    menus = coming_menus(rows, {"answer"}, days["lunch"])
    catalogue.publish("v1", Thresholds(4, 2), [], [], [], [], menus)
    served = {day: sorted(dishes) for day, dishes in catalogue.menus().items()}
    assert served == {days["lunch"]: ["a", "b"], days["next"]: ["a", "b"]}
    catalogue.publish("v2", Thresholds(4, 2), [], [], [])
    assert catalogue.menus() == {}


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["like", "dislike", "rating", "order", "retract"]),
        st.sampled_from("ab"),  # dish
        st.integers(0, 5),  # hour
        st.sampled_from(["", SERVICE, "survey"]),
        st.sampled_from([1.0, 3.0, 5.0]),
    ),
    max_size=8,
)


@given(EVENTS, st.sampled_from([(4, 2), (5, 1), (3, -1)]), st.data())
def test_until_the_night_a_history_is_what_the_night_will_publish(
    events: list[tuple[str, str, int, str, float]], of_feedback: tuple[float, float], data: st.DataObject
) -> None:
    scale = Scale(4, 2, "UTC", {SERVICE: of_feedback})
    rows = [
        {"person_id": "ada", "dish_id": dish, "kind": kind, "occurred_at": START + timedelta(hours=hour)}
        | {"value": value if kind == "rating" else None, "menu_id": ""}
        | {"source": SERVICE if kind == "retract" else source}
        for kind, dish, hour, source, value in events
    ]
    is_new = [row["source"] == SERVICE and data.draw(st.booleans()) for row in rows]
    published = _history([row for row, new in zip(rows, is_new, strict=True) if not new], scale)
    news = [
        Feedback("e", "ada", row["dish_id"], row["kind"], row["value"], "", row["occurred_at"])
        for row, new in zip(rows, is_new, strict=True)
        if new or row["kind"] == "retract"
    ]
    after_the_night = tuple(line.past for line in _history(rows, scale))
    assert with_feedback(published, news, Thresholds(4, 2, *of_feedback)) == after_the_night


def _history(rows: list[dict[str, Any]], scale: Scale) -> list[Line]:
    log = opinion_log(EventColumns.of(rows), "ab", {}, scale)
    return next((lines for _, lines in histories(log)), [])


def test_ids_with_nul_that_an_earlier_release_accepted_stop_no_night() -> None:
    at = {"occurred_at": START, "value": None, "menu_id": "", "source": ""}
    rows = [
        {"person_id": person, "dish_id": dish, "kind": kind, **at}
        for person in ("ada", "p\x001")
        for dish in ("d1", "d\x001")
        for kind in ("like", "order")
    ]
    log = opinion_log(EventColumns.of(rows), ["d1", "d\x001"], {}, Scale(4, 2, "UTC"))
    with postgresql("service") as url:
        catalogue = Catalogue(url)
        catalogue.publish("v1", Thresholds(4, 2), [], [], histories(log), eaten(log))
        assert [past.dish_id for past in catalogue.person("ada").history] == ["d1", "d1"]
        assert list(catalogue.person("ada").eaten) == ["d1"]
