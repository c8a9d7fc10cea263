"""A row needs its required columns and no others, and its texts, numbers and moments are read one way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from components.domain.preferences.contract import KEYS, KINDS, TABLES, EventRow, columns, required_columns
from tests.tables import whole_table

ROWS: dict[str, dict[str, Any]] = {
    "dishes": {"dish_id": "d", "name": "Pea stew"},
    "people": {"person_id": "Ада"},
    "menus": {"menu_id": "m", "served_on": "2026-01-01", "dish_id": "d"},
    "events": {"person_id": "Ада", "dish_id": "d", "kind": "like", "occurred_at": "2026-01-01T12:00:00"},
}


@pytest.mark.parametrize("table", TABLES)
def test_the_required_columns_are_enough_none_may_be_missing_and_no_other_is_read(table: str) -> None:
    row, read = ROWS[table], TABLES[table].model_validate
    assert set(required_columns(table)) == set(row)
    assert {*read(row).model_dump(), *KEYS[table]} == set(columns(table))
    for name in row:
        with pytest.raises(ValidationError, match=rf"{name}\n *Field required"):
            read({column: row[column] for column in row if column != name})
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        read(row | {"mood": "good"})


def test_the_kinds_are_those_that_an_event_may_have() -> None:
    assert get_args(EventRow.model_fields["kind"].annotation) == KINDS


YEARS = ("0001-01-01", "1899-12-31", "9999-12-31")
GOOD = [
    *(("dishes", "dish_id", f" {letter * 200}\n", letter * 200) for letter in "xЖ豆🍲"),
    *(("people", "avoids", *cells) for cells in (("a; b ;;дома", ("a", "b", "дома")), (" ; ", ()))),
    *(("dishes", "tags", *cells) for cells in (("a, b", ("a, b",)), (["a; b"], ("a; b",)))),
    ("dishes", "description", "a\n\x07b", "a\n\x07b"),
    ("dishes", "name", "Pea\nstew", "Pea\nstew"),
    ("people", "person_id", "\x1f\u3000Ада\x1c", "Ада"),
    ("dishes", "kcal", "0", 0.0),
]
WRONG = [
    *(("events", "kind", kind) for kind in ("Like", "likes", "", None)),
    *(("dishes", "dish_id", text) for text in ("", " \t\u3000", *(letter * 201 for letter in "xЖ豆🍲"))),
    *(
        ("events", "occurred_at", f"{year}T00:00:00{zone}")
        for year in YEARS
        for zone in ("Z", "+05:00", "-05:00")
    ),
    *(
        (table, name, text)
        for table, name in (("people", "person_id"), ("events", "menu_id"), ("events", "event_id"))
        for text in ("a\0b", "a\tb", "a\x7fb", "\x1f", float("nan"), float("inf"))
    ),
    *(("dishes", name, "a\0b") for name in ("name", "description", "cuisine", "tags")),
    *(("people", name, ["a", "a\0b"]) for name in ("allergies", "avoids")),
    *(("dishes", "fibre_g", amount) for amount in (-0.1, "inf", float("nan"), "a lot")),
]


@whole_table("table column cell value", GOOD)
def test_a_good_cell_is_read_in_one_way(table: str, column: str, cell: Any, value: Any) -> None:
    assert getattr(TABLES[table].model_validate(ROWS[table] | {column: cell}), column) == value


@whole_table("table column cell", WRONG)
def test_a_wrong_cell_is_refused_by_its_column(table: str, column: str, cell: Any) -> None:
    with pytest.raises(ValidationError, match=f"1 validation error .*\n{column}(\\.\\d)?\n"):
        TABLES[table].model_validate(ROWS[table] | {column: cell})


@whole_table("minutes", range(-720, 841, 65))
def test_a_moment_is_the_same_in_every_time_zone_and_utc_without_one(minutes: int) -> None:
    at = datetime(2026, 1, 1, 3, 4, 5, tzinfo=UTC)
    abroad = at.astimezone(timezone(timedelta(minutes=minutes)))
    rows = [ROWS["events"] | {"occurred_at": moment} for moment in (abroad, f"{abroad}", f"{at:%FT%T}")]
    assert {EventRow.model_validate(row).occurred_at.isoformat() for row in rows} == {at.isoformat()}
