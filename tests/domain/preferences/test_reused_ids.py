"""A dish id that is used again: past events keep what they meant, and rows that come again are duplicates."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.contract import Stored
from components.domain.preferences.reused_ids import is_another_dish
from tests.domain.preferences.test_events import DISHES, EVENT, MENUS, _accept
from tests.tables import whole_table

NEW = {"dish_id": "d1", "name": "Lentil soup"}
NEXT_MENU = {"menu_id": "m2", "served_on": "2026-04-01", "dish_id": "d1"}
LIKE = {"person_id": "bob", "dish_id": "d1", "kind": "like", "occurred_at": "2026-02-20T12:00:00Z"}
FORMER = "d1 (was Halloumi)"


@whole_table(
    "before after another",
    [
        ("Pea stew", "Pea stew with mint", False),
        ("Pea stew", "PEA STEW", False),
        ("Suppe", "Gulaschsuppe", False),
        ("Spagetti bolognese", "Spaghetti Bolognaise", False),
        ("Lasange", "Lasagne", False),
        ("Pea stew", "Beef tartare", True),
        ("麻婆豆腐", "宫保鸡丁", True),
        ("麻婆豆腐", "麻婆豆腐饭", False),
        ("Menu 1", "Menu 2", False),  # the names say too little
    ],
)
def test_names_tell_a_correction_from_another_dish(before: str, after: str, another: bool) -> None:
    assert is_another_dish({"name": before}, {"name": after}) is another


def _dishes_by_person(tables: Stored) -> dict[str, str]:
    return {row["person_id"]: row["dish_id"] for row in tables["events"]}


def test_past_events_and_menus_keep_the_dish_and_new_ones_mean_the_new_dish() -> None:
    first = _accept([EVENT, LIKE], menus=[*MENUS, NEXT_MENU])
    fresh = LIKE | {"person_id": "eve", "occurred_at": "2026-03-01T00:00:00Z"}
    second = _accept([fresh], first.tables, dishes=[NEW], menus=[])
    assert second.former == [FORMER]
    names = {row["dish_id"]: row["name"] for row in second.tables["dishes"]}
    assert names == {"d1": "Lentil soup", "d2": "Roulade", FORMER: "Halloumi"}
    assert _dishes_by_person(second.tables) == {"ada": FORMER, "bob": FORMER, "eve": "d1"}
    menus = {(row["menu_id"], row["dish_id"]) for row in second.tables["menus"]}
    assert menus == {("m1", FORMER), ("m1", "d2"), ("m2", "d1")}
    assert _dishes_by_person(first.tables) == {"ada": "d1", "bob": "d1"}  # what was given is not changed


def test_the_same_inbox_again_is_duplicates_and_a_late_choice_finds_its_menus_dish() -> None:
    first = _accept([EVENT, LIKE])
    second = _accept([EVENT, LIKE], first.tables, dishes=[NEW])
    assert second.counts["events"].duplicates == 2
    assert second.counts["menus"].duplicates == 2
    late = EVENT | {"person_id": "late"}
    third = _accept([EVENT, LIKE, late], second.tables, dishes=[NEW])
    assert third.former == []
    assert third.quarantined == []
    assert third.counts["events"].duplicates == 2
    assert _dishes_by_person(third.tables)["late"] == FORMER


NAMES = st.sampled_from(["Halloumi", "Lentil soup", "Bratwurst", "麻婆豆腐", "Halloumi (was Pie)"])


@given(st.lists(NAMES, min_size=1, max_size=6))
def test_whatever_an_id_is_used_for_each_event_keeps_the_name_that_it_had(names: list[str]) -> None:
    tables: Stored = {}
    meant, events = dict[str, str](), list[dict[str, Any]]()
    for number, name in enumerate(names):
        events.append(LIKE | {"person_id": f"p{number}", "occurred_at": f"2026-02-{10 + number}T12:00:00Z"})
        meant[f"p{number}"] = name
        collected = _accept(events, tables, dishes=[{"dish_id": "d1", "name": name}], menus=[])
        assert collected.quarantined == []
        tables = collected.tables
    by_id = {row["dish_id"]: row["name"] for row in tables["dishes"]}
    assert len(by_id) == len(tables["dishes"])
    stored = {row["person_id"]: by_id[row["dish_id"]] for row in tables["events"]}
    same = [(stored[person], name) for person, name in meant.items()]
    assert all(is_another_dish({"name": one}, {"name": other}) is False for one, other in same)


def test_dishes_are_those_of_the_inbox() -> None:
    assert [row["dish_id"] for row in _accept([], dishes=DISHES).tables["dishes"]] == ["d1", "d2"]
