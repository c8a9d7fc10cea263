"""Forgotten people are recognised by a keyed hash, in whatever form their id comes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.errors import BadParams
from components.domain.preferences.events import RawRow
from components.domain.preferences.forgotten import Forgotten
from components.domain.preferences.limits import Limits
from tests.accepted import accept


def test_nobody_is_forgotten_at_first() -> None:
    assert "ada" not in Forgotten("key")


@given(person=st.text(min_size=1), other=st.text(min_size=1))
def test_one_is_forgotten_and_no_other(person: str, other: str) -> None:
    forgotten = Forgotten("key").with_people(person)
    assert person in forgotten
    assert f"  {person}\t" in forgotten
    assert (other in forgotten) == (forgotten.hash_of(other) == forgotten.hash_of(person))
    assert person == "" or person not in str(forgotten.to_json()) or len(person) < 6
    assert Forgotten.from_json(forgotten.to_json(), "key") == forgotten
    with pytest.raises(BadParams, match="another key"):
        Forgotten.from_json(forgotten.to_json(), "another")


@pytest.mark.parametrize("value", ["zoë", "zoe\u0308", " zoë "])
def test_rows_of_a_forgotten_person_leave_no_trace(value: str) -> None:
    limits = Limits(datetime(2030, 1, 1, tzinfo=UTC), (0.0, 5.0), Forgotten("key").with_people("zoë"))
    good = {"person_id": value, "dish_id": "d", "kind": "like", "occurred_at": "2026-01-01"}
    rows = [good, {**good, "dish_id": "gone"}, {**good, "person_id": "ada"}]
    people = [{"person_id": value}, {"person_id": "ada"}]
    incoming = {"events": rows, "people": people, "dishes": [{"dish_id": "d", "name": "soup"}]}
    raw = {
        name: [RawRow(name, number, row) for number, row in enumerate(values, 1)]
        for name, values in incoming.items()
    }
    collected = accept(raw, {}, limits)
    assert [row["person_id"] for row in collected.tables["events"]] == ["ada"]
    assert [row["person_id"] for row in collected.tables["people"]] == ["ada"]
    assert collected.quarantined == []
    counts = collected.counts["events"]
    assert (counts.rows_in, counts.accepted, counts.forgotten) == (3, 1, 2)


def test_a_number_is_an_id_too() -> None:
    for number in (17, 17.0):
        assert number in Forgotten("key").with_people("17")
