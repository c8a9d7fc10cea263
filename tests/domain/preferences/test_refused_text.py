"""A refused row is a person's where its id stands in it, in whatever way its letters are written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.contract import as_id
from components.domain.preferences.events import RawRow
from components.domain.preferences.forgotten import Forgotten
from components.domain.preferences.limits import Limits
from components.domain.preferences.refused_text import ids_in, is_named, names_one_of
from tests.accepted import accept
from tests.tables import whole_table

MORE = "(more cells than columns)"


@whole_table(
    "row theirs",
    [
        ({"person_id": "3", "dish_id": "d", "value": 1}, True),
        ({"person_id": 3, "dish_id": "d"}, True),
        ({"person_id": " 3 "}, True),
        ({"person_id": ["3"]}, True),
        ({"person_id": {"id": 3}, "value": 5}, True),
        ({"user": "3", "dish_id": "d"}, True),  # as earlier versions quarantined it
        ({"person_id": "33", MORE: ["of 3"]}, True),
        ({"person_id": "like", "dish_id": "3", MORE: ["d"]}, True),
        ({"person_id": "33", "value": 3, "dish_id": "3"}, False),
        ({"person_id": "3 a"}, False),
        ({"dish_id": "3"}, False),
        ({"person_id": None}, False),
        ({"line": '{"person_id": "3", "kind"'}, True),
        ({"line": '{"person_id": "\\u0033", "kind"'}, True),
        ({"line": '{"person_id": "13", "x-3"'}, False),
    ],
)
def test_a_row_is_a_persons_by_their_id_alone(row: dict[str, Any], theirs: bool) -> None:
    assert is_named({"3"}, row) is theirs
    assert names_one_of(Forgotten("key").with_people("3"), row) is theirs


@whole_table("text", ["Jos\\u00e9", "Jose\u0301", "Jos\\xe9", "Jos\u00e9"])
@whole_table("form", ['{{"user":"{}","dish', "1;{};like", "{}"])
def test_letters_are_read_in_every_spelling(text: str, form: str) -> None:
    for row in ({"line": form.format(text)}, {"person_id": text}):
        assert is_named({"Jos\u00e9"}, row)
        assert names_one_of({"Jos\u00e9"}, row)


@given(st.text(min_size=1, max_size=60).map(as_id).filter(bool))
def test_whatever_an_id_is_it_is_read_in_a_torn_line(person: str) -> None:
    for ascii_only in (True, False):
        torn = json.dumps({"user": person, "kind": "like"}, ensure_ascii=ascii_only)[:-3]
        assert names_one_of(Forgotten("key").with_people(person), {"line": torn})
        assert is_named({person}, {"line": torn})


def test_a_file_without_line_feeds_is_read_once() -> None:
    text = json.dumps([{"user": f"p{number}", "name": "zo\u00eb who dines"} for number in range(20_000)])
    ids = set(ids_in(text))
    assert {"p19999", "zo\u00eb who dines"} <= ids
    assert len(ids) < 20_100


def test_a_torn_line_of_a_forgotten_person_is_dropped_and_counted() -> None:
    forgotten = Forgotten("key").with_people("zo\u00eb who dines")
    limits = Limits(datetime(2030, 1, 1, tzinfo=UTC), (0.0, 5.0), forgotten)
    lines = ['{"user": "zo\\u00eb who dines", "x', '{"user": "zo\u00eb"', '{"user": "\\ud800"']
    rows = [RawRow("e.jsonl", 1, {"line": line}, "it is torn") for line in lines]
    odd = RawRow("e.jsonl", 4, {"person_id": "\ud800"})
    for table in ("events", "dishes"):  # one file may be both
        collected = accept({table: [*rows, odd]}, {}, limits)
        assert collected.counts[table].forgotten == 1
        assert collected.counts[table].quarantined == len(collected.quarantined) == 3
