"""The input contract: nothing is lost, nothing wrong gets in, and each refusal says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from components.domain.preferences.contract import Stored
from components.domain.preferences.events import Collected, RawRow
from components.domain.preferences.limits import Limits
from tests.accepted import accept
from tests.tables import whole_table

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DISHES = [
    {"dish_id": "d1", "name": "Halloumi", "tags": "vegetarian; grilled"},
    {"dish_id": "d2", "name": "Roulade"},
]
MENUS = [
    {"menu_id": "m1", "served_on": "2026-02-28", "dish_id": "d1"},
    {"menu_id": "m1", "served_on": "2026-02-28", "dish_id": "d2"},
]
EVENT = {
    "person_id": "ada",
    "dish_id": "d1",
    "kind": "choice",
    "menu_id": "m1",
    "occurred_at": "2026-02-28T12:00:00+01:00",
}


def _accept(
    events: list[dict[str, Any]], stored: Stored | None = None, **tables: list[dict[str, Any]]
) -> Collected:
    texts = {"dishes": DISHES, "menus": MENUS, **tables, "events": events}
    incoming = {
        name: [RawRow(f"{name}.csv", line, row) for line, row in enumerate(rows, 1)]
        for name, rows in texts.items()
    }
    return accept(incoming, stored or {}, Limits(NOW + timedelta(hours=14), (1, 5)))


def test_a_good_row_is_normalised() -> None:
    (event,) = _accept([EVENT]).tables["events"]
    assert event["occurred_at"] == datetime(2026, 2, 28, 11, tzinfo=UTC)
    assert len(event["event_id"]) == 16
    assert _accept([EVENT]).tables["dishes"][0]["tags"] == ("vegetarian", "grilled")


@whole_table("change reason", [
    ({"dish_id": "d9"}, "dish_id 'd9' is not in the dishes table"), ({"kind": "loves"}, "got 'loves'"),
    ({"person_id": ""}, "person_id: field required"), ({"occurred_at": "yesterday"}, "got 'yesterday'"),
    ({"occurred_at": "2999-01-01T00:00:00"}, "lies in the future"),
    ({"kind": "rating"}, "a rating needs a value"), ({"kind": "rating", "value": "five"}, "got 'five'"),
    ({"kind": "rating", "value": "nan"}, "value: input should be a finite number"),
    ({"kind": "rating", "value": "101"}, "value 101 is not from 1 to 5, check.value_range"),
    ({"kind": "rating", "value": "-1"}, "value -1 is not from 1 to 5"),
    ({"occurred_at": "1970-01-01T00:00:00"}, "the year 1970 is not from 2000 to 9998"),
    ({"occurred_at": "0001-01-01T00:00:00-14:00"}, "the year 1 is not from 2000"),
    ({"menu_id": "m7"}, "menu_id 'm7' of a choice is not in the menus table"),
    ({"menu_id": ""}, "menu_id '' of a choice"),
    ({"(more cells than columns)": ["x"]}, "extra inputs are not permitted"),
])  # fmt: skip
def test_a_bad_row_is_quarantined_with_its_reason(change: dict[str, str], reason: str) -> None:
    collected = _accept([EVENT, EVENT | change])
    (turned_away,) = collected.quarantined
    assert reason in turned_away.reason
    assert (turned_away.file, turned_away.line) == ("events.csv", 2)
    assert all(str(value) in turned_away.row for value in change.values() if isinstance(value, str))
    assert len(collected.tables["events"]) == 1


def test_ids_may_be_numbers() -> None:
    dishes = [{"dish_id": 7, "name": "Halloumi"}]
    event = {"person_id": 1, "dish_id": 7, "kind": "like", "occurred_at": datetime(2026, 1, 1)}
    collected = _accept([event], dishes=dishes, menus=[])
    assert not collected.quarantined
    assert collected.tables["events"][0]["person_id"] == "1"


def test_a_whole_number_is_the_same_id_where_a_missing_value_made_its_column_floats() -> None:
    event = {"dish_id": "d1", "kind": "like", "occurred_at": "2026-01-01"}
    collected = _accept([event | {"person_id": person} for person in (17, 17.0, "17", 17.5, 2.0**53 - 1)])
    assert {row["person_id"] for row in collected.tables["events"]} == {"17", "17.5", str(2**53 - 1)}
    assert collected.counts["events"].duplicates == 2


def test_a_float_that_may_be_the_id_of_several_people_is_quarantined() -> None:
    event = {"dish_id": "d1", "kind": "like", "occurred_at": "2026-01-01"}
    ids = (float(2**53), float(2**53 + 1), -1e300, 2**53, 2**53 + 1, str(2**53 + 2))
    collected = _accept([event | {"person_id": person} for person in ids])
    assert {row["person_id"] for row in collected.tables["events"]} == {str(2**53 + n) for n in range(3)}
    reason = "too large to be told from its neighbours: write ids as text"
    assert [(row.line, reason in row.reason) for row in collected.quarantined] == [
        (n, True) for n in (1, 2, 3)
    ]


def test_a_menus_id_names_the_menu_of_one_day() -> None:
    today = [row | {"served_on": "2026-03-01"} for row in MENUS]
    first = _accept([EVENT])
    for collected in (_accept([EVENT], menus=[*MENUS, *today]), _accept([EVENT], first.tables, menus=today)):
        reasons = {row.reason for row in collected.quarantined}
        assert reasons == {"menu_id 'm1' was served on 2026-02-28: give the menu of 2026-03-01 another id"}
        assert {str(row["served_on"]) for row in collected.tables["menus"]} == {"2026-02-28"}
    more = [MENUS[0] | {"dish_id": "d3"}]
    dishes = [*DISHES, {"dish_id": "d3", "name": "Soup"}]
    assert not _accept([EVENT], first.tables, dishes=dishes, menus=more).quarantined


def test_a_menu_of_a_coming_day_needs_no_event() -> None:
    coming = [{"menu_id": "may", "served_on": "2026-05-01", "dish_id": "d2"}]
    first = _accept([EVENT])
    collected = _accept([], first.tables, menus=coming)
    assert (collected.counts["menus"].accepted, collected.quarantined) == (1, [])


def test_a_dish_that_was_not_offered_cannot_be_chosen() -> None:
    collected = _accept([EVENT | {"dish_id": "d2"}], menus=MENUS[:1])
    assert "was not offered on menu 'm1'" in collected.quarantined[0].reason


def test_people_must_be_known_where_there_is_a_people_table() -> None:
    assert "not in the people table" in _accept([EVENT], people=[{"person_id": "bob"}]).quarantined[0].reason
    assert not _accept([EVENT]).quarantined


def test_the_same_row_twice_is_a_duplicate_and_another_row_with_its_id_is_not() -> None:
    rows = [
        EVENT | {"event_id": "e1"},
        EVENT | {"event_id": "e1"},
        EVENT | {"event_id": "e1", "person_id": "bob"},
    ]
    collected = _accept(rows)
    counts = collected.counts["events"]
    assert (counts.accepted, counts.duplicates, counts.quarantined) == (1, 1, 1)
    assert "event_id 'e1' already names a different row" in collected.quarantined[0].reason


def test_rows_in_are_accepted_duplicates_and_quarantined_and_a_second_night_finds_duplicates() -> None:
    rows = [EVENT, EVENT, EVENT | {"kind": "loves"}, EVENT | {"dish_id": "d2", "person_id": "bob"}]
    first = _accept(rows)
    second = _accept(rows, first.tables)
    for collected in (first, second):
        for counts in collected.counts.values():
            assert counts.rows_in == counts.accepted + counts.duplicates + counts.quarantined
    assert (second.counts["events"].accepted, second.counts["events"].duplicates) == (0, 3)
    assert second.tables == first.tables


def test_a_later_night_may_correct_a_dish_but_one_night_may_not_contradict_itself() -> None:
    renamed = [{"dish_id": "d1", "name": "Grilled halloumi"}]
    first = _accept([EVENT])
    assert _accept([EVENT], first.tables, dishes=renamed).tables["dishes"][0]["name"] == "Grilled halloumi"
    assert (
        "already names a different row" in _accept([EVENT], dishes=[*DISHES, *renamed]).quarantined[0].reason
    )


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [EVENT, EVENT | {"person_id": "bob"}, EVENT | {"person_id": "eve"}]
    assert _accept(rows).tables == _accept(rows[::-1]).tables
