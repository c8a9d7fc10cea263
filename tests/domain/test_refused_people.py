"""No refused row of `people` lifts a restriction: what it says holds, and what nobody can read stops all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.domain.catalogue import Thresholds
from components.domain.preferences.limits import Limits
from components.domain.refused_people import UNREADABLE, with_refused
from components.integrations import event_sources, quarantine
from components.integrations.service_store import Catalogue
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import take_in
from serving.refusals import Unavailable
from serving.restrictions import restrictions_of
from serving.schemas.recommend import RecommendRequest
from tests.postgresql import postgresql

LIMITS = Limits(datetime(2026, 3, 1, tzinfo=UTC), (0, 5))
EVENT = "person_id,dish_id,kind,occurred_at\nada,d1,like,2026-01-02\n"
ADA = {"person_id": "ada", "diet": "", "allergies": ("milk",), "avoids": ()}


def _people(folder: Path, files: dict[str, str], columns: dict[str, str]) -> dict[str, dict[str, Any]]:
    """By id what is published after a night that accepted ada, and one whose rows of people are refused."""
    (folder / "dishes.csv").write_text("dish_id,name\nd1,Halloumi\n")
    (folder / "events.csv").write_text(EVENT)
    tables: dict[str, list[dict[str, Any]]] = {"dishes": [], "people": [], "menus": []}
    for content in ({"people.csv": "person_id\nada\n"}, files):
        for name, text in content.items():
            (folder / name).write_text(text)
        names = {"people": columns} if content is files else {}
        reading = Folder(str(folder), names).read({})
        intake = take_in(reading.tables, tables, event_sources.no_events(), LIMITS)
        tables = intake.collected.tables
        quarantine.add(folder / "quarantine", intake.collected.quarantined)
    refused = quarantine.rows_of(folder / "quarantine", "people")
    assert len(refused) == 1
    return {row["person_id"]: row for row in with_refused(tables["people"], refused)}


@pytest.mark.parametrize(
    ("text", "columns", "allergies"),
    [
        (
            "user,allergene\nada,peanuts,milk\n",
            {"person_id": "user", "allergies": "allergene"},
            "peanuts milk",
        ),
        ("person_id,allergies\nada,peanuts,milk\n", {}, "peanuts milk"),
        ("person_id,diet,allergies,avoids\nada,,peanuts,milk,ham\n", {}, "peanuts milk ham"),
        ("person_id,diet,allergies\nada,,low salt,peanuts;milk\n", {}, "low salt|peanuts|milk"),
        ("person_id,allergies,avoids\nada,peanuts,h\0m\n", {}, "peanuts"),
    ],
)
def test_a_cell_too_many_is_an_allergy_more(
    tmp_path: Path, text: str, columns: dict[str, str], allergies: str
) -> None:
    people = _people(tmp_path, {"people.csv": text}, columns)
    assert list(people) == ["ada"]
    expected = allergies.split("|" if "|" in allergies else " ")
    assert people["ada"]["allergies"] == tuple(expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("people.jsonl", '{"person_id":"ada","allergies":"peanuts"\n'),
        ("people.jsonl", '["ada", "peanuts"]\n'),
        ("people.jsonl", '{"person_id":"\\u0061da","allergies":"nu\n'),
        ("people.jsonl", '{"person_id":["ada"],"allergies":"peanuts"}\n'),
        ("people.csv", "person_id,allergies\nlow salt,ada,peanuts\n"),
        ("people.csv", 'person_id,avoids,allergies\nada,"ham,peanuts\n'),
    ],
)
def test_a_row_that_names_somebody_and_cannot_be_read_leaves_them_no_dish(
    tmp_path: Path, name: str, text: str
) -> None:
    people = _people(tmp_path, {name: text}, {})
    assert people["ada"]["diet"] == UNREADABLE
    assert "" not in people
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'service.db'}")
    catalogue.publish("v1", Thresholds(4, 2), [], people.values(), [])
    with pytest.raises(Unavailable, match=r"The diet of 'ada' cannot be read: .*quarantine/people\.jsonl"):
        restrictions_of(RecommendRequest(person_id="ada"), catalogue.person("ada"))


def test_an_allergy_in_a_refused_row_holds_and_no_row_makes_nobody_safe() -> None:
    refused: list[dict[str, Any]] = [
        {"person_id": "Zoe\u0308", "allergies": "nuts; egg", "phone": "1"},
        {"person_id": "ada", "avoids": ["ham"], "diet": "vegan"},
        {"person_id": "ada", "allergies": {"a": 5, "b": float("nan")}},
        {"person_id": "ada", "allergies": 7},
        {"line": "torn"},
    ]
    people = {row["person_id"]: row for row in with_refused([ADA], refused)}
    assert people["Zo\u00eb"]["allergies"] == ("nuts", "egg")
    assert people["ada"] == {**ADA, "diet": "vegan", "allergies": ("milk", "5", "7"), "avoids": ("ham",)}
    assert ADA["allergies"] == ("milk",)
    assert "" in people  # so that there is a table of people, and strangers are asked for their allergies


@pytest.mark.parametrize("line", ['{"person_id": "adam", "x"', '{"person_id": "ada-7", "x"', "{7"])
def test_who_is_not_named_is_left_alone(line: str) -> None:
    people = {row["person_id"]: row for row in with_refused([ADA], [{"line": line}])}
    assert people["ada"] == ADA


def test_an_id_that_a_comma_cuts_in_two_is_named_all_the_same() -> None:
    others = [{**ADA, "person_id": name} for name in ("Doe", "Doe, Jane", "Jane Roe")]
    row = {"person_id": "Doe", "allergies": " Jane", "(more cells than columns)": ["egg"]}
    people = {row["person_id"]: row for row in with_refused(others, [row])}
    assert people["Doe, Jane"]["diet"] == UNREADABLE
    assert people["Doe"]["allergies"] == ("milk", "Jane", "egg")
    assert people["Jane Roe"] == others[2]


def test_what_no_database_stores_is_not_published(tmp_path: Path) -> None:
    refused: list[dict[str, Any]] = [
        {"person_id": name, "diet": "ve\0gan", "allergies": "e\0gg;\ud800"}
        for name in ("p\x001", "\ud800", "x" * 201, "ada")
    ]
    people = with_refused([ADA], refused)
    assert {row["person_id"] for row in people} == {"ada", ""}
    with postgresql("service") as url:
        catalogue = Catalogue(url)
        catalogue.publish("v1", Thresholds(4, 2), [], people, [])
        assert catalogue.person("ada").allergies == ("milk", "e gg", "?")


def test_a_blank_allergy_in_the_table_reaches_the_service_and_stops_no_night(tmp_path: Path) -> None:
    (tmp_path / "dishes.csv").write_text("dish_id,name\nd1,Halloumi\n")
    (tmp_path / "events.csv").write_text(EVENT)
    written = {
        "nbsp": "\u00a0",
        "dash": "-",
        "both": "milk;\u3000",
        "brackets": "[]",
        "none": " ",
        "eve": "egg",
    }
    rows = "".join(f"{person},{allergies}\n" for person, allergies in written.items())
    (tmp_path / "people.csv").write_text(f"person_id,allergies\n{rows}")
    reading, tables = Folder(str(tmp_path), {}).read({}), {name: [] for name in ("dishes", "people", "menus")}
    collected = take_in(reading.tables, tables, event_sources.no_events(), LIMITS).collected
    people = {row["person_id"]: row["allergies"] for row in collected.tables["people"]}
    assert collected.counts["people"].quarantined == 0
    assert people == {
        "nbsp": ("-",), "dash": ("-",), "both": ("milk", "-"), "brackets": ("[]",), "none": (),
        "eve": ("egg",),
    }  # fmt: skip
