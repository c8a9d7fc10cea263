"""A night lists who was shown a dish that is no longer free for them, once, in a file of their site's own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.domain.catalogue import Thresholds
from components.domain.errors import NotFound
from components.domain.exposures import Exposure, Feedback, Shown
from components.domain.params_file import read_params
from components.domain.preferences.contract import columns
from components.domain.records import Dish
from components.integrations.service_store import Catalogue, People, ServiceStore
from flows import alarms
from flows.environment import REPO
from flows.night import recall
from tests.postgresql import postgresql

PARAMS = read_params(REPO / "params.yaml")
NOW = datetime.now(UTC)
FREE: dict[str, tuple[str, ...]] = {"ingredients": ("peas", "carrots")}
MILK: dict[str, tuple[str, ...]] = {"ingredients": ("peas", "carrots", "milk")}
EMPTY = {"description": "", "cuisine": "", "tags": (), "ingredients": (), "allergens": None}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty store; state and alarms lie apart from it."""
    monkeypatch.setattr(recall, "FOLDER", tmp_path / "recalls")
    monkeypatch.setattr(recall, "MEMORY", tmp_path / "recall.json")
    monkeypatch.setattr(alarms, "FILE", tmp_path / "alarms.jsonl")
    is_sqlite = request.param == "sqlite"
    with nullcontext(f"sqlite:///{tmp_path / 'service.db'}") if is_sqlite else postgresql("recall") as url:
        monkeypatch.setenv("PALATE_STORE", url)
        yield url


def _publish(
    url: str, dishes: Mapping[str, Mapping[str, Any]], people: Mapping[str, tuple[str, ...]] | None = None
) -> None:
    rows = [
        (dict.fromkeys(columns("dishes")) | EMPTY | {"dish_id": dish, "name": "Pea stew"} | values, 0.5, True)
        for dish, values in dishes.items()
    ]
    listed = [
        {"person_id": name, "diet": "", "allergies": allergies, "avoids": ()}
        for name, allergies in (people or {}).items()
    ]
    Catalogue(url).publish(datetime.now().isoformat(), Thresholds(4, 2), rows, listed, [])


def _show(
    url: str, person: str, allergies: list[str], dishes: list[str], texts: Mapping[str, Any], days: float = 1
) -> None:
    """Stores an answer of /recommend that showed the dishes in these words, so many days ago."""
    filters = json.dumps({"k": 10, "applied": {"diet": "", "allergies": allergies, "avoids": []}})
    shown = tuple(
        Shown(
            Dish(dish, "Pea stew", ingredients=texts.get("ingredients", ())), 0.1, 1.0, texts.get("allergens")
        )
        for dish in dishes
    )
    at = datetime.now(UTC) - timedelta(days=days)
    ServiceStore(url).add_exposure(Exposure(f"{person}/{days}", person, at, shown, filters, "1", "x", 3))


def _night() -> str:
    return recall.recall.fn(PARAMS)


def _lists() -> list[list[tuple[str, str, bool]]]:
    """By list its people with the dish, and whether they chose it."""
    lists = [json.loads(path.read_text())["people"] for path in sorted(recall.FOLDER.glob("*.json"))]
    return [
        [(row["person_id"], row["dish_id"], row["chosen_at"] is not None) for row in rows] for rows in lists
    ]


def test_a_dish_that_changed_is_recalled_once_from_whom_it_is_unsafe_for(url: str, tmp_path: Path) -> None:
    _publish(url, {"a": FREE, "b": FREE}, {"since": ("milk",)})
    assert _night() == ""
    for person, allergies in (("ada", ["milk"]), ("bob", ["peanuts"]), ("eve", []), ("since", [])):
        _show(url, person, allergies, ["a", "b"], FREE)
    _show(url, "past", ["milk"], ["a"], FREE, days=PARAMS.alarms.recall_days + 1)
    ServiceStore(url).add_feedback(Feedback("1", "ada", "a", "order", None, "ada/1", NOW))
    assert _night() == ""
    _publish(url, {"a": MILK, "b": FREE}, {"since": ("milk",)})
    sentence = _night()
    assert sentence.startswith(
        "2 people were shown or chose 1 dishes that are recalled for them, 1 of them chose or"
    )
    assert _lists() == [[("ada", "a", True), ("since", "a", False)]]
    (path,) = recall.FOLDER.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["people"][0]["reasons"] == ["contains milk: 'milk' in ingredients"]
    alarm = json.loads((tmp_path / "alarms.jsonl").read_text())
    assert (alarm["kind"], alarm["sentence"]) == ("recall", sentence)
    assert not {"ada", "since"} & {*sentence.replace(str(tmp_path), "").split()}
    assert (_night(), len(_lists())) == ("", 1)
    _show(url, "late", ["milk"], ["a"], FREE, days=0)  # its answer was being made when the menu changed
    assert _night()
    assert _lists()[1:] == [[("late", "a", False)]]


def test_a_declaration_and_a_dictionary_that_change_are_found_too(url: str) -> None:
    declared, milk = {"allergens": ("celery",)}, {"allergens": ("celery", "milk")}
    _publish(url, {"a": declared, "b": MILK})
    _show(url, "ada", ["milk"], ["a"], declared)
    _show(url, "bob", ["milk"], ["b"], MILK)  # which an earlier dictionary read as free
    assert _night()  # the first one with this dictionary
    assert _lists() == [[("bob", "b", False)]]
    _publish(url, {"a": milk, "b": MILK})
    assert _night()
    assert _lists()[1:] == [[("ada", "a", False)]]
    memory = json.loads(recall.MEMORY.read_text())
    recall.MEMORY.write_text(json.dumps(memory | {"reading": "of another release"}))
    assert _night()
    assert _lists()[2:] == [[("ada", "a", False), ("bob", "b", False)]]
    assert (_night(), len(_lists())) == ("", 3)


def test_who_is_forgotten_leaves_the_lists_and_these_expire(url: str) -> None:
    _publish(url, {"a": FREE})
    for person in ("ada", "bob", "eve"):
        _show(url, person, ["milk"], ["a"], FREE)
    People(url).erase("eve")
    _night()
    _publish(url, {"a": MILK})
    assert _night()
    assert _lists() == [[("ada", "a", False), ("bob", "a", False)]]
    assert (recall.forget("ada"), recall.forget("ada"), _lists()) == (1, 0, [[("bob", "a", False)]])
    (path,) = recall.FOLDER.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    os.utime(path, (0, NOW.timestamp() - 31 * 86_400))
    assert (_night(), _lists()) == ("", [])


def test_by_hand_everybody_is_listed(url: str) -> None:
    _publish(url, {"a": FREE, "b": FREE}, {"ada": ("milk",)})
    _show(url, "ada", ["milk"], ["a", "b"], FREE)
    _show(url, "eve", [], ["a"], FREE)
    _show(url, "bob", [], ["b"], FREE)
    ServiceStore(url).add_feedback(Feedback("1", "zoe", "a", "choice", None, "", NOW))
    sentence = recall.by_hand(PARAMS, " a ")
    assert sentence.startswith(
        "3 people were shown or chose 1 dishes that are recalled for them, 1 of them chose or"
    )
    assert _lists() == [[("ada", "a", False), ("eve", "a", False), ("zoe", "a", True)]]
    with pytest.raises(NotFound, match="Nobody was shown, chose or ordered a dish 'c' in 30 days"):
        recall.by_hand(PARAMS, "c")
