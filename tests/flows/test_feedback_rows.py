"""Feedback as rows behind those of an inbox: whose dish it is, and when it counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.domain.exposures import Exposure, Feedback, Shown
from components.domain.preferences.contract import Stored
from components.domain.preferences.events import RawRow, accept
from components.domain.preferences.limits import Limits
from components.domain.records import Dish
from components.integrations.service_store import ServiceStore
from components.integrations.sources.batches import Rows
from components.integrations.sources.rows import Reading
from flows.steps.feedback import with_feedback

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SOUP = {"dish_id": "7", "name": "Green soup", "allergens": "milk"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceStore:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    monkeypatch.setenv("PALATE_STORE", url)
    return ServiceStore(url)


def _like(store: ServiceStore, dish: Dish, person: str = "ada") -> None:
    answer = f"answer of {person} {dish.dish_id}"
    store.add_exposure(Exposure(answer, person, NOW, (Shown(dish, 0.1, 1.0),), "{}", "1", "x"))
    store.add_feedback(Feedback(answer, person, dish.dish_id, "like", None, answer, NOW))


def _night(
    stored: Stored, dishes: list[dict[str, str]], people: list[dict[str, str]] | None = None
) -> Stored:
    tables = {"dishes": dishes, "people": people or []}
    raw = {name: Rows.of(name, [RawRow(name, 1, row) for row in rows]) for name, rows in tables.items()}
    reading = with_feedback(Reading(raw), {"dishes": [], **stored})
    return accept(reading.tables, stored, Limits(datetime(2026, 11, 2, tzinfo=UTC), (0, 5))).tables


@pytest.mark.parametrize("typed", ["7", "7 ", " 7"])
@pytest.mark.parametrize("name", ["Green soup", "Xyz"])
def test_a_callers_dish_never_takes_the_place_of_the_inboxs(
    store: ServiceStore, typed: str, name: str
) -> None:
    first = _night({}, [SOUP])
    _like(store, Dish(typed, name, ingredients=("peas",)))
    for dishes in ([SOUP], []):  # also on a night whose inbox does not list it
        (dish,) = _night(first, dishes)["dishes"]
        assert (dish["dish_id"], dish["name"], dish["allergens"]) == ("7", "Green soup", ("milk",))


def test_a_dish_that_only_a_caller_described_is_hidden_until_the_inbox_has_it(store: ServiceStore) -> None:
    _like(store, Dish("g1", "Peas", ingredients=("peas",)))
    first = _night({}, [SOUP])
    assert {dish["dish_id"]: dish["hidden"] for dish in first["dishes"]} == {"7": False, "g1": True}
    second = _night(first, [SOUP, {"dish_id": "g1", "name": "Peas", "allergens": "milk"}])
    (peas,) = (dish for dish in second["dishes"] if dish["dish_id"] == "g1")
    assert (peas["hidden"], peas["allergens"]) == (False, ("milk",))


def test_feedback_that_comes_before_its_dish_or_person_counts_once_they_are_there(
    store: ServiceStore,
) -> None:
    store.add_feedback(Feedback("f1", "ada", "8", "like", None, "", NOW))
    store.add_feedback(Feedback("f2", "new", "7", "like", None, "", NOW))
    first = _night({}, [SOUP], [{"person_id": "ada"}])
    assert first["events"] == []
    _like(store, Dish("7", "Green soup"))
    second = _night(first, [SOUP, {"dish_id": "8", "name": "Rice"}], [{"person_id": "new"}])
    assert {row["event_id"] for row in second["events"]} == {"f1", "f2", "answer of ada 7"}
    assert _night(second, [SOUP], [])["events"] == second["events"]
